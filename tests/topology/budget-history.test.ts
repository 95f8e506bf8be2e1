/**
 * Goal: budgets are right after every history, and every alert comes once, however the log is cut into batches.
 * Method: random histories of one user whose bookings and budgets meet often, against a model that sums up everything
 * again after each event. Caught when tried: a standing budget that misses months from before it was set, a part of a
 * split that counts in the category of the whole, latches that pass to another budget.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import { foldBatch } from '../../topology/fold-batch.ts'
import type { Row } from '../../sink/tables.ts'
import { budgetStatus } from '../../topology/processors/budget-status.ts'
import type { Sourced } from '../../topology/processors/processor.ts'
import { BudgetModel, type Alert, type Status } from '../support/budget-model.ts'
import { amended, budgeted, openedIn, recorded, splitInto } from '../support/example-commands.ts'
import { memoryTables } from '../support/memory-tables.ts'
import { sourcedEvents } from '../support/sourced-events.ts'
import { commandOf } from '../support/specification.ts'

const accounts = [openedIn('NOK'), openedIn('EUR', 'a-2')]
const categoryId = fc.constantFrom('groceries', 'groceries', 'groceries', 'health')
/** December 2025 to April 2026; commands are recorded in March. */
const bookedOn = fc.integer({ min: 20_423, max: 20_573 })
const transactionId = fc.integer({ min: 0, max: 15 }).map((n) => `t-${n}`)
const amountMinor = fc.bigInt({ min: -40n, max: 10n }).filter((amount) => amount !== 0n)

const spending = fc
  .record({ transactionId, categoryId, bookedOn, amountMinor, isEuro: fc.boolean() })
  .map(({ isEuro, ...booking }): LedgerCommandBody => {
    const account = isEuro ? { accountId: 'a-2', currency: 'EUR' } : {}
    return recorded({ ...booking, ...account })
  })
const change: fc.Arbitrary<LedgerCommandBody> = fc.oneof(
  fc
    .record({ transactionId, amountMinor: fc.option(amountMinor), bookedOn: fc.option(bookedOn) })
    .map((changes) => amended(changes)),
  fc.record({ type: fc.constant('DeleteTransaction'), transactionId }),
  fc.record({ type: fc.constant('OverrideCategory'), transactionId, categoryId }),
  fc.record({ transactionId, part: fc.bigInt({ min: -5n, max: -1n }) }).map((split) => ({
    ...splitInto(['groceries', split.part], ['health', null]),
    transactionId: split.transactionId,
  })),
)
/** Each with its own place, because an id is that of one place for ever. */
const places = [
  { budgetId: 'b-1', month: null },
  { budgetId: 'b-2', month: 674 },
  { budgetId: 'b-3', month: 672 },
  { budgetId: 'b-4', month: null, categoryId: 'health' },
  { budgetId: 'b-5', month: null, currency: 'EUR' },
]
const place = fc.constantFrom(...places)
const setting = fc
  .record({
    place,
    amountMinor: fc.constantFrom(0n, 20n, 50n, 70n, 100n),
    thresholds: fc.constantFrom(null, null, [50, 120], [100]),
    name: fc.constantFrom(null, 'Food'),
  })
  .map(({ place: there, ...plan }): LedgerCommandBody => budgeted({ ...there, ...plan }))
const removal = place.map(({ budgetId }): LedgerCommandBody => ({ type: 'RemoveBudget', budgetId }))

const body = fc.oneof(
  { weight: 10, arbitrary: spending },
  { weight: 8, arbitrary: change },
  { weight: 6, arbitrary: setting },
  { weight: 2, arbitrary: removal },
)
const histories = fc
  .array(body, { minLength: 20, maxLength: 120 })
  .map((bodies) => sourcedEvents([...accounts, ...bodies].map((b, n) => commandOf({ body: b }, n))))

type Folded = {
  readonly statuses: ReadonlyMap<string, Status>
  readonly alerts: readonly Alert[][]
  readonly rows: readonly Row[]
}

/** The table after these batches, and what each of them told. */
async function folded(
  batches: readonly (readonly Sourced<OpenedEvent>[])[],
  isAddedTo = true,
): Promise<Folded> {
  const memory = memoryTables()
  const alerts: Alert[][] = []
  for (const batch of batches) {
    const readBinding = isAddedTo ? memory.readBinding : undefined
    const { told = [], ...write } = await foldBatch(budgetStatus, batch, memory.read, readBinding)
    memory.apply(write)
    alerts.push(
      told.map(({ notice }) => ({
        where: notice.about.split('\0').slice(1).join(' '),
        threshold: notice.record.threshold,
        spent: notice.record.spentMinor,
      })),
    )
  }
  const statuses = new Map<string, Status>()
  for (const row of memory.rows('budget_status')) {
    if (row['month'] === 'every') continue
    statuses.set([row['month'], row['category_id'], row['currency']].join(' '), {
      spent: row['spent_minor'] as bigint,
      bookings: row['transaction_count'] as number,
      budgetId: row['budget_id'] as string | null,
      amount: row['amount_minor'] as bigint | null,
      latched: row['latched'] as readonly number[],
    })
  }
  return { statuses, alerts, rows: memory.rows('budget_status') }
}

function byPlace(alerts: readonly Alert[]): readonly Alert[] {
  return alerts.toSorted((a, b) => (a.where < b.where ? -1 : 1))
}

test('every row and every alert is what a model says that sums up all bookings again', async () => {
  let [alerts, latched] = [0, 0]
  const agrees = fc.asyncProperty(histories, async (events) => {
    const model = new BudgetModel()
    const expected = events.map(({ item }) => byPlace(model.take(item)))
    const found = await folded(events.map((event) => [event]))
    expect(found.alerts.map(byPlace)).toEqual(expected)
    expect(found.statuses).toEqual(model.statuses)
    alerts += expected.flat().length
    latched += [...model.statuses.values()].filter((status) => status.latched.length > 0).length
  })
  await fc.assert(agrees, { numRuns: 150 })
  // Histories in which nothing is reached would prove nothing.
  expect(alerts).toBeGreaterThan(150)
  expect(latched).toBeGreaterThan(150)
})

test('a batch makes the same rows, and tells of each month the last of what single events tell', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 })
  const isSame = fc.asyncProperty(histories, sizes, async (events, some) => {
    const batches: Sourced<OpenedEvent>[][] = []
    for (let from = 0, n = 0; from < events.length; n++) {
      const size = some[n % some.length] ?? 1
      batches.push(events.slice(from, from + size))
      from += size
    }
    const single = await folded(events.map((event) => [event]))
    const batched = await folded(batches)
    expect(batched.statuses).toEqual(single.statuses)
    let from = 0
    for (const [n, batch] of batches.entries()) {
      const last = new Map<string, Alert>()
      for (const alert of single.alerts.slice(from, from + batch.length).flat())
        last.set(alert.where, alert)
      expect(byPlace(batched.alerts[n] ?? [])).toEqual(byPlace([...last.values()]))
      from += batch.length
    }
  })
  await fc.assert(isSame, { numRuns: 60 })
})

test('what a user without a budget spends makes the same rows, added up or stepped', async () => {
  const spendings = fc.array(fc.oneof(spending, change), { maxLength: 60 })
  const isSame = fc.asyncProperty(spendings, histories, async (before, events) => {
    const unbudgeted = sourcedEvents(
      [...accounts, ...before].map((b, n) => commandOf({ body: b }, n)),
    )
    // One user after the other, so that batches hold both.
    const other = events.map((event) => ({ ...event, item: { ...event.item, userId: 'user-2' } }))
    const batches = [...unbudgeted.keys()].map((n) => [
      ...unbudgeted.slice(n, n + 1),
      ...other.slice(n * 2, n * 2 + 2),
    ])
    const [added, stepped] = [await folded(batches), await folded(batches, false)]
    expect(added).toEqual(stepped)
  })
  await fc.assert(isSame, { numRuns: 25 })
})
