import fc from 'fast-check'
import { isoMonthOf } from '../../../../schemas/dates.ts'
import { formatMinor } from '../../../../schemas/money.ts'
import { textOf, type OpenedEvent } from '../../../../schemas/opened-event.ts'
import type { BudgetPlan } from '../../../../schemas/types.ts'
import { BudgetModel, type Status } from '../../../support/budget-model.ts'
import { compared, isoTime, type Ledger, type RouteModels } from './ledger.ts'

const months = ['2025-12', '2026-01', '2026-02', '2026-03', '2027-05']

export const budgetModels: RouteModels = {
  '/v1/budgets': {
    questions: () => months.map((month) => fc.constant({ query: { month } })),
    answer(ledger, { query }) {
      const month = query?.['month'] ?? ''
      const { held, statuses, changedAt } = budgetsOf(ledger)
      const budgets = held
        .filter(({ plan }) => plan.month === null || isoMonthOf(plan.month) === month)
        .filter((one, _, all) => one.plan.month !== null || !all.some(takesThePlaceOf(one)))
        .map((one) => {
          const where = `${month} ${one.plan.categoryId} ${one.plan.currency}`
          return budgetAnswer(one, statuses.get(where), changedAt.get(where))
        })
      return {
        month,
        budgets: budgets.toSorted(
          (a, b) => compared(a.categoryId, b.categoryId) || compared(a.currency, b.currency),
        ),
      }
    },
  },
}

type Held = {
  readonly budgetId: string
  readonly version: number
  readonly name: string | null
  readonly plan: BudgetPlan
  readonly setAt: number
}

function takesThePlaceOf({ plan }: Held) {
  return (other: Held): boolean =>
    other.plan.month !== null &&
    other.plan.categoryId === plan.categoryId &&
    other.plan.currency === plan.currency
}

/** Budgets that are set, and what is spent of them by `month category currency`, with the time of its last change. */
function budgetsOf({ events }: Ledger) {
  const model = new BudgetModel()
  const held = new Map<string, Held>()
  const changedAt = new Map<string, number>()
  for (const event of events) {
    const before = told(model, held)
    remember(held, event)
    model.take(event)
    for (const [where, now] of told(model, held)) {
      if (before.get(where) !== now) changedAt.set(where, event.recordedAt)
    }
  }
  return { held: [...held.values()], statuses: model.statuses, changedAt }
}

function remember(held: Map<string, Held>, { body, version, personal, recordedAt }: OpenedEvent) {
  if (body.type === 'BudgetRemoved') held.delete(body.budgetId)
  if (body.type !== 'BudgetSet') return
  const { budgetId, after: plan } = body
  held.set(budgetId, {
    budgetId,
    version,
    name: textOf(personal, 'name'),
    plan,
    setAt: recordedAt,
  })
}

function told(model: BudgetModel, held: ReadonlyMap<string, Held>): ReadonlyMap<string, string> {
  const lines = [...model.statuses].map(([where, { spent, bookings, budgetId }]) => {
    const { version } = held.get(budgetId ?? '') ?? {}
    return [where, [spent, bookings, budgetId, version].join(' ')] as const
  })
  return new Map(lines)
}

function budgetAnswer(
  { budgetId, version, name, plan, setAt }: Held,
  status: Status | undefined,
  changedAt: number | undefined,
) {
  const { categoryId, currency, amountMinor, thresholds } = plan
  const { spent = 0n, bookings = 0, latched = [] } = status ?? {}
  return {
    budgetId,
    version,
    name,
    categoryId,
    currency,
    standing: plan.month === null,
    amount: formatMinor(amountMinor, currency),
    spent: formatMinor(spent, currency),
    remaining: formatMinor(amountMinor - spent, currency),
    percentage: percentageOf(spent, amountMinor),
    transactionCount: bookings,
    thresholds,
    reached: latched,
    updatedAt: isoTime(status === undefined ? setAt : (changedAt ?? 0)),
  }
}

/** In hundredths of a percent, the half rounded up. */
function percentageOf(spent: bigint, amount: bigint): number {
  if (amount === 0n) return 0
  const hundredths = (spent * 20_000n + amount) / (amount * 2n)
  return Number(`${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`)
}
