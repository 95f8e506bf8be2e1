/** Budgets as somebody would keep them who looks at all bookings again after every event. */
import { isoMonthOf, monthOfDay } from '../../schemas/dates.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking, BudgetPlan } from '../../schemas/types.ts'

/** `month category currency`, and what is there. */
export type Status = {
  readonly spent: bigint
  readonly bookings: number
  readonly budgetId: string | null
  readonly amount: bigint | null
  readonly latched: readonly number[]
}
export type Alert = { readonly where: string; readonly threshold: number; readonly spent: bigint }

type Held = { readonly budgetId: string; readonly plan: BudgetPlan }
type Live = { readonly currency: string; readonly booking: Booking }

/** Of one user. */
export class BudgetModel {
  statuses: ReadonlyMap<string, Status> = new Map()
  readonly #bookings = new Map<string, Live>()
  readonly #budgets = new Map<string, BudgetPlan>()

  /** What is told because of the event. */
  take(event: OpenedEvent): readonly Alert[] {
    this.#remember(event)
    const before = this.statuses
    const after = new Map<string, Status>()
    const alerts: Alert[] = []
    const spending = this.#spending()
    for (const where of new Set([...before.keys(), ...spending.keys(), ...this.#ownPlaces()])) {
      const held = this.#heldIn(where)
      const { spent = 0n, bookings = 0 } = spending.get(where) ?? {}
      const kept = keptOf(before.get(where), held, spent)
      const reached = (held?.plan.thresholds ?? []).filter((t) => isReached(held, spent, t))
      const fresh = reached.filter((threshold) => !kept.includes(threshold))
      const latched = [...kept, ...fresh].sort((a, b) => a - b)
      const isOwn = held !== undefined && held.plan.month !== null
      if (bookings > 0 || isOwn || latched.length > 0) {
        const { budgetId = null, plan } = held ?? {}
        const amount = plan?.amountMinor ?? null
        after.set(where, { spent, bookings, budgetId, amount, latched })
      }
      const threshold = Math.max(0, ...fresh)
      const isTold = isOwn || where.slice(0, 7) >= '2026-02'
      if (threshold > Math.max(0, ...kept) && isTold) alerts.push({ where, threshold, spent })
    }
    this.statuses = after
    return alerts
  }

  #remember({ body }: OpenedEvent): void {
    switch (body.type) {
      case 'BudgetSet':
        return void this.#budgets.set(body.budgetId, body.after)
      case 'BudgetRemoved':
        return void this.#budgets.delete(body.budgetId)
      case 'TransactionCreated':
        return this.#book(body, { ...body, parts: [] })
      case 'TransactionUpdated':
      case 'TransactionSplit':
        return this.#book(body, body.after)
      case 'TransactionCategoryOverridden':
        return this.#book(body, { ...body.before, categoryId: body.categoryId })
      case 'TransactionDeleted':
        return void this.#bookings.delete(body.transactionId)
      default:
    }
  }

  #book(of: { transactionId: string; currency: string }, booking: Booking): void {
    this.#bookings.set(of.transactionId, { currency: of.currency, booking })
  }

  #spending(): ReadonlyMap<string, { readonly spent: bigint; readonly bookings: number }> {
    const sums = new Map<string, { readonly spent: bigint; readonly bookings: number }>()
    for (const { currency, booking } of this.#bookings.values()) {
      const { kind, parts, bookedOn } = booking
      if (kind === 'transfer' || kind === 'adjustment' || booking.amountMinor > 0n) continue
      for (const { categoryId, amountMinor } of parts.length === 0 ? [booking] : parts) {
        const where = `${isoMonthOf(monthOfDay(bookedOn))} ${categoryId} ${currency}`
        const sum = sums.get(where) ?? { spent: 0n, bookings: 0 }
        sums.set(where, { spent: sum.spent - amountMinor, bookings: sum.bookings + 1 })
      }
    }
    return sums
  }

  #ownPlaces(): readonly string[] {
    return [...this.#budgets.values()].flatMap(({ month, categoryId, currency }) =>
      month === null ? [] : [`${isoMonthOf(month)} ${categoryId} ${currency}`],
    )
  }

  #heldIn(where: string): Held | undefined {
    const [month, categoryId, currency] = where.split(' ')
    const there = [...this.#budgets]
      .map(([budgetId, plan]): Held => ({ budgetId, plan }))
      .filter(({ plan }) => plan.categoryId === categoryId && plan.currency === currency)
    return (
      there.find(({ plan }) => plan.month !== null && isoMonthOf(plan.month) === month) ??
      there.find(({ plan }) => plan.month === null)
    )
  }
}

/** Latches belong to a budget, and those of a raised one that are still reached stay. */
function keptOf(
  before: Status | undefined,
  held: Held | undefined,
  spent: bigint,
): readonly number[] {
  if (before === undefined || held === undefined || before.budgetId !== held.budgetId) return []
  const raised = held.plan.amountMinor > (before.amount ?? 0n)
  return before.latched.filter((threshold) => !raised || isReached(held, spent, threshold))
}

function isReached(held: Held | undefined, spent: bigint, threshold: number): boolean {
  if (held === undefined || spent === 0n) return false
  return spent * 100n >= held.plan.amountMinor * BigInt(threshold)
}
