/**
 * What was spent of each budget, month by month, and the thresholds that spending reached.
 *
 * A row is a category of one currency in one month, with the budget that holds there: that of the month, or the
 * standing one, which the row of `every` month keeps. What was spent where no budget holds is kept as well, because a
 * budget that is set in the middle of a month counts from the first.
 *
 * Invariant: a threshold is latched when it is reached and stays so whatever is taken back, until another budget holds
 * or its amount is raised beyond what is spent. Only a threshold above all latched ones is told.
 */
import { epochMonthOf, isoMonthOf, monthOfDay } from '../../schemas/dates.ts'
import { textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import type { BudgetPlan, BudgetRemoved, BudgetSet } from '../../schemas/types.ts'
import { countedByCategory, isSpending } from './counted-by-category.ts'
import type { Notice, RelatedProcessor, Row, Stepped } from './processor.ts'

/** The month of a standing budget's own row, in which nothing is spent. */
const EVERY_MONTH = 'every'
/** The last place on Earth where a day ends is twelve hours behind UTC. */
const LAST_ZONE_MS = 12 * 3_600_000
const DAY_MS = 86_400_000

type Place = {
  readonly user_id: string
  readonly month: string
  readonly category_id: string
  readonly currency: string
}

/** The budget that holds in a row; without one, what is null here. */
type Held = {
  readonly budget_id: string | null
  readonly budget_version: number | null
  readonly standing: boolean
  readonly name: string | null
  readonly amount_minor: bigint | null
  readonly thresholds: readonly number[]
}

type BudgetStatusRow = Place &
  Held & {
    readonly latched: readonly number[]
    readonly spent_minor: bigint
    readonly transaction_count: number
    readonly updated_at: number
  }

const NO_BUDGET: Held = {
  budget_id: null,
  budget_version: null,
  standing: false,
  name: null,
  amount_minor: null,
  thresholds: [],
}

export const budgetStatus: RelatedProcessor<OpenedEvent, BudgetStatusRow> = {
  kind: 'related',
  name: 'budget-status',
  table: 'budget_status',
  keysOf(event) {
    const { body, userId } = event
    if (body.type === 'BudgetSet') return keysOfPlan(userId, body.after)
    if (body.type === 'BudgetRemoved') return keysOfPlan(userId, body.before)
    return spentIn(event).flatMap(({ place }) => [place, inEveryMonth(place)])
  },
  adds(event) {
    if (event.body.type === 'BudgetSet' || event.body.type === 'BudgetRemoved') return undefined
    return spentIn(event).map(({ place, spentMinor, count }) => ({
      ...emptyRow(place, undefined),
      spent_minor: spentMinor,
      transaction_count: count,
      updated_at: event.recordedAt,
    }))
  },
  step(rows, event) {
    const { body } = event
    if (body.type === 'BudgetSet') return set(rows, event, body)
    if (body.type === 'BudgetRemoved') return remove(rows, event, body)
    return stepped(
      event,
      spentIn(event).map(({ place, spentMinor, count }) => {
        const before = rowAt(rows, place) ?? emptyRow(place, rowAt(rows, inEveryMonth(place)))
        const after = {
          ...before,
          spent_minor: before.spent_minor + spentMinor,
          transaction_count: before.transaction_count + count,
        }
        return { before, after }
      }),
    )
  },
}

function set(
  rows: readonly BudgetStatusRow[],
  event: OpenedEvent,
  { budgetId, after: plan }: BudgetSet,
): Stepped<BudgetStatusRow> {
  const held: Held = {
    budget_id: budgetId,
    budget_version: event.version,
    standing: plan.month === null,
    name: textOf(event.personal, 'name'),
    amount_minor: plan.amountMinor,
    thresholds: plan.thresholds,
  }
  const place = placeOf(event.userId, plan)
  const row = rowAt(rows, place) ?? emptyRow(place, undefined)
  const own = { before: row, after: { ...row, ...held } }
  if (plan.month !== null) return stepped(event, [own])
  const others = rows.filter((row) => isMonth(row) && (row.standing || row.budget_id === null))
  return stepped(event, [
    own,
    ...others.map((row) => ({ before: row, after: { ...row, ...held } })),
  ])
}

/** Where a month loses its own budget, the standing one holds again. */
function remove(
  rows: readonly BudgetStatusRow[],
  event: OpenedEvent,
  { before: plan }: BudgetRemoved,
): Stepped<BudgetStatusRow> {
  const place = placeOf(event.userId, plan)
  const every = rowAt(rows, inEveryMonth(place))
  const losing = rows.filter((row) => (plan.month === null ? row.standing : isAt(row, place)))
  return stepped(
    event,
    losing.map((before) => ({
      before,
      after: { ...before, ...(plan.month === null ? NO_BUDGET : heldBy(every)) },
    })),
  )
}

type Change = { readonly before: BudgetStatusRow; readonly after: BudgetStatusRow }

function stepped(event: OpenedEvent, changes: readonly Change[]): Stepped<BudgetStatusRow> {
  const rows: BudgetStatusRow[] = []
  const removed: Row[] = []
  const notices: Notice[] = []
  for (const { before, after } of changes) {
    const { latched, reached } = latch(before, after)
    const row = { ...after, latched, updated_at: event.recordedAt }
    if (isWorthKeeping(row)) rows.push(row)
    else removed.push(keyOf(row))
    if (reached !== undefined && isWorthTelling(row, event))
      notices.push(notice(row, event, reached))
  }
  return { rows, removed, notices: notices.toSorted((a, b) => (a.about < b.about ? -1 : 1)) }
}

function latch(
  before: BudgetStatusRow,
  after: BudgetStatusRow,
): { readonly latched: readonly number[]; readonly reached: number | undefined } {
  const isRaised = (after.amount_minor ?? 0n) > (before.amount_minor ?? 0n)
  const isSame = after.budget_id !== null && after.budget_id === before.budget_id
  const kept = before.latched.filter(
    (percent) => isSame && (!isRaised || isReached(after, percent)),
  )
  const fresh = after.thresholds.filter(
    (percent) => !kept.includes(percent) && isReached(after, percent),
  )
  const highest = fresh.at(-1)
  return {
    latched: [...kept, ...fresh].toSorted((a, b) => a - b),
    reached: highest !== undefined && highest > (kept.at(-1) ?? 0) ? highest : undefined,
  }
}

/** In integers: a percentage that is rounded would be reached too early. Of a budget of zero, whatever is spent is too much. */
function isReached({ spent_minor, amount_minor }: BudgetStatusRow, percent: number): boolean {
  if (amount_minor === null || spent_minor <= 0n) return false
  return spent_minor * 100n >= amount_minor * BigInt(percent)
}

/**
 * A budget of one month is told of whenever it is reached. A standing one is not told of for months that were over
 * before the last one began: who imports the bookings of years wants no alert for each month of them.
 */
function isWorthTelling(row: BudgetStatusRow, { recordedAt }: OpenedEvent): boolean {
  const month = monthOfDay(Math.floor((recordedAt - LAST_ZONE_MS) / DAY_MS))
  return !row.standing || row.month >= isoMonthOf(month - 1)
}

function isWorthKeeping(row: BudgetStatusRow): boolean {
  const hasOwnBudget = row.budget_id !== null && (!row.standing || !isMonth(row))
  return row.transaction_count > 0 || hasOwnBudget || row.latched.length > 0
}

function notice(row: BudgetStatusRow, event: OpenedEvent, threshold: number): Notice {
  const { budget_id, budget_version, amount_minor } = row
  const month = epochMonthOf(row.month)
  if (budget_id === null || budget_version === null || amount_minor === null || month === undefined)
    throw new Error('a threshold is reached in a month that has a budget')
  return {
    about: [row.user_id, row.month, row.category_id, row.currency].join('\u0000'),
    record: {
      type: 'BudgetExceeded',
      userId: row.user_id,
      occurredAt: event.occurredAt,
      recordedAt: event.recordedAt,
      causeEventId: event.eventId,
      budgetId: budget_id,
      budgetVersion: budget_version,
      categoryId: row.category_id,
      currency: row.currency,
      month,
      threshold,
      amountMinor: amount_minor,
      spentMinor: row.spent_minor,
    },
  }
}

type SpentThere = {
  readonly place: Place
  readonly spentMinor: bigint
  readonly count: number
}

/** What an event changes in the sums of months. What it only moves within a month is nothing. */
function spentIn(event: OpenedEvent): readonly SpentThere[] {
  const places = new Map<string, SpentThere>()
  for (const total of countedByCategory(event, isSpending)) {
    const { user_id, category_id, currency } = total
    const month = isoMonthOf(monthOfDay(total.booked_on))
    const key = [month, category_id, currency].join('\u0000')
    const before = places.get(key)
    places.set(key, {
      place: { user_id, month, category_id, currency },
      spentMinor: (before?.spentMinor ?? 0n) + total.total_minor,
      count: (before?.count ?? 0) + total.transaction_count,
    })
  }
  return [...places.values()].filter(({ spentMinor, count }) => spentMinor !== 0n || count !== 0)
}

function keysOfPlan(userId: string, plan: BudgetPlan): readonly Row[] {
  const { categoryId, currency, month } = plan
  if (month === null) return [{ user_id: userId, category_id: categoryId, currency }]
  const place = placeOf(userId, plan)
  return [place, inEveryMonth(place)]
}

function placeOf(userId: string, { categoryId, currency, month }: BudgetPlan): Place {
  return {
    user_id: userId,
    month: month === null ? EVERY_MONTH : isoMonthOf(month),
    category_id: categoryId,
    currency,
  }
}

function inEveryMonth(place: Place): Place {
  return { ...place, month: EVERY_MONTH }
}

function keyOf({ user_id, month, category_id, currency }: Place): Place {
  return { user_id, month, category_id, currency }
}

function isMonth({ month }: Place): boolean {
  return month !== EVERY_MONTH
}

function isAt(row: Place, { month, category_id, currency }: Place): boolean {
  return row.month === month && row.category_id === category_id && row.currency === currency
}

function rowAt(rows: readonly BudgetStatusRow[], place: Place): BudgetStatusRow | undefined {
  return rows.find((row) => isAt(row, place))
}

function heldBy(row: BudgetStatusRow | undefined): Held {
  if (row === undefined) return NO_BUDGET
  const { budget_id, budget_version, standing, name, amount_minor, thresholds } = row
  return { budget_id, budget_version, standing, name, amount_minor, thresholds }
}

function emptyRow(place: Place, every: BudgetStatusRow | undefined): BudgetStatusRow {
  const nothing = { latched: [], spent_minor: 0n, transaction_count: 0, updated_at: 0 }
  return { ...place, ...heldBy(every), ...nothing }
}
