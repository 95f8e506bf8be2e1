import { describe, expect, test } from 'vitest'
import type { OpenedEvent } from '../../../schemas/opened-event.ts'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import { foldBatch } from '../../../topology/fold-batch.ts'
import { budgetStatus } from '../../../topology/processors/budget-status.ts'
import type { Sourced } from '../../../topology/processors/processor.ts'
import {
  amended,
  budgeted,
  created,
  deleted,
  opened,
  openedIn,
  reconciled,
  recorded,
  splitInto,
  transferred,
} from '../../support/example-commands.ts'
import { memoryTables } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'

/** 2026-03-01; commands are recorded on the 14th. */
const MARCH_1 = 20_513
const MARCH = 674
let used = 0

function spent(amountMinor: number, changes: Parameters<typeof recorded>[0] = {}) {
  const transactionId = changes.transactionId ?? `s-${used++}`
  const place = { categoryId: 'groceries', bookedOn: MARCH_1, ...changes }
  return recorded({ ...place, transactionId, amountMinor: BigInt(-amountMinor) })
}

const of100 = (changes: Parameters<typeof budgeted>[0] = {}) =>
  budgeted({ amountMinor: 100n, ...changes })

function sources(bodies: readonly LedgerCommandBody[]): readonly Sourced<OpenedEvent>[] {
  return eventsOfBodies(opened, openedIn('EUR', 'a-2'), openedIn('NOK', 'a-3'), ...bodies).map(
    (item, n) => ({ item, partition: 0, offset: BigInt(n), value: Buffer.alloc(0) }),
  )
}

type Told = { readonly month: number; readonly threshold: number; readonly spent: bigint }

/** The rows, and what was told, after these commands in batches of so many events. */
async function after(bodies: readonly LedgerCommandBody[], batch = 1) {
  const memory = memoryTables()
  const told: Told[] = []
  const all = sources(bodies)
  for (let from = 0; from < all.length; from += batch) {
    const folded = await foldBatch(budgetStatus, all.slice(from, from + batch), memory.read)
    memory.apply(folded)
    for (const { notice } of folded.told ?? []) {
      const { month, threshold, spentMinor } = notice.record
      told.push({ month, threshold, spent: spentMinor })
    }
  }
  return { rows: memory.rows('budget_status'), told }
}

/** Rows as `month category currency spent of amount`, with the thresholds that are latched. */
async function statusAfter(...bodies: LedgerCommandBody[]): Promise<readonly string[]> {
  const { rows } = await after(bodies)
  return rows.map((row) => {
    const { month, category_id, currency, spent_minor, amount_minor, latched } = row
    const reached = String(latched)
    const status = [month, category_id, currency, spent_minor, 'of', amount_minor].join(' ')
    return reached === '' ? status : `${status}: ${reached}`
  })
}

async function toldAfter(...bodies: LedgerCommandBody[]): Promise<readonly number[]> {
  return (await after(bodies)).told.map(({ threshold }) => threshold)
}

describe('what is spent', () => {
  const march = of100({ month: MARCH, amountMinor: 1000n })

  test('counts in the month of the booking date, in its category and its currency', async () => {
    const elsewhere = [
      spent(1, { bookedOn: MARCH_1 - 1 }),
      spent(2, { bookedOn: MARCH_1 + 31 }),
      spent(4, { categoryId: 'health' }),
      spent(8, { accountId: 'a-2', currency: 'EUR' }),
    ]
    const there = [spent(16), spent(32, { bookedOn: MARCH_1 + 30 })]
    expect(await statusAfter(march, ...elsewhere, ...there)).toEqual([
      '2026-02 groceries NOK 1 of ',
      '2026-03 groceries EUR 8 of ',
      '2026-03 groceries NOK 48 of 1000',
      '2026-03 health NOK 4 of ',
      '2026-04 groceries NOK 2 of ',
    ])
  })

  test('is known to a budget that is set after it', async () => {
    expect(await statusAfter(spent(16), spent(32), march)).toEqual([
      '2026-03 groceries NOK 48 of 1000',
    ])
  })

  test('follows an amendment, a new date, a deletion and another category', async () => {
    const one = spent(16, { transactionId: 't-1' })
    const other = spent(1)
    const first = [march, other, one]
    expect(await statusAfter(...first, amended({ amountMinor: -20n }))).toEqual([
      '2026-03 groceries NOK 21 of 1000',
    ])
    expect(await statusAfter(...first, amended({ bookedOn: MARCH_1 - 1 }))).toEqual([
      '2026-02 groceries NOK 16 of ',
      '2026-03 groceries NOK 1 of 1000',
    ])
    expect(await statusAfter(...first, deleted)).toEqual(['2026-03 groceries NOK 1 of 1000'])
    const toHealth = {
      type: 'OverrideCategory',
      transactionId: 't-1',
      categoryId: 'health',
    } as const
    expect(await statusAfter(...first, toHealth)).toEqual([
      '2026-03 groceries NOK 1 of 1000',
      '2026-03 health NOK 16 of ',
    ])
  })

  test('of a split counts in the categories of its parts', async () => {
    const one = spent(16, { transactionId: 't-1' })
    expect(await statusAfter(march, one, splitInto(['groceries', -10n], ['health', null]))).toEqual(
      ['2026-03 groceries NOK 10 of 1000', '2026-03 health NOK 6 of '],
    )
  })

  test('is neither income, nor a transfer, nor a correction of a balance', async () => {
    const income = spent(-50)
    const moved = transferred({ toAccountId: 'a-3', amountMinor: 70n, bookedOn: MARCH_1 })
    const corrected = reconciled({ statementMinor: -900n, adjustmentId: 'r-1' })
    expect(await statusAfter(march, income, moved, corrected)).toEqual([
      '2026-03 groceries NOK 0 of 1000',
    ])
  })

  test('leaves no row where nothing was spent and no budget holds', async () => {
    const one = spent(16, { transactionId: 't-1' })
    expect(await statusAfter(one, deleted)).toEqual([])
    expect(await statusAfter(march, { type: 'RemoveBudget', budgetId: 'b-1' })).toEqual([])
  })
})

describe('the budget that holds', () => {
  test('in every month without one of its own is the standing one, whichever comes first', async () => {
    const own = of100({ budgetId: 'b-2', month: MARCH, amountMinor: 500n })
    const standing = of100({ amountMinor: 300n })
    const spendings = [spent(1), spent(2, { bookedOn: MARCH_1 - 1 })]
    const expected = [
      '2026-02 groceries NOK 2 of 300',
      '2026-03 groceries NOK 1 of 500',
      'every groceries NOK 0 of 300',
    ]
    expect(await statusAfter(own, standing, ...spendings)).toEqual(expected)
    expect(await statusAfter(...spendings, standing, own)).toEqual(expected)
    expect(await statusAfter(standing, ...spendings, own)).toEqual(expected)
  })

  test('where a month loses its own is the standing one again, and where that goes is none', async () => {
    const own = of100({ budgetId: 'b-2', month: MARCH, amountMinor: 500n })
    const both = [own, of100({ amountMinor: 300n }), spent(1)]
    expect(await statusAfter(...both, { type: 'RemoveBudget', budgetId: 'b-2' })).toEqual([
      '2026-03 groceries NOK 1 of 300',
      'every groceries NOK 0 of 300',
    ])
    const noStanding = { type: 'RemoveBudget', budgetId: 'b-1' } as const
    expect(await statusAfter(...both, noStanding)).toEqual(['2026-03 groceries NOK 1 of 500'])
    expect(await statusAfter(of100(), spent(1), noStanding)).toEqual([
      '2026-03 groceries NOK 1 of ',
    ])
  })

  test('is of one category and one currency', async () => {
    const health = of100({ budgetId: 'b-2', categoryId: 'health', amountMinor: 200n })
    const euro = of100({ budgetId: 'b-3', currency: 'EUR', amountMinor: 300n })
    expect(await statusAfter(spent(1), of100(), health, euro)).toEqual([
      '2026-03 groceries NOK 1 of 100',
      'every groceries EUR 0 of 300',
      'every groceries NOK 0 of 100',
      'every health NOK 0 of 200',
    ])
  })

  test('has the version and the name of its last setting', async () => {
    const { rows } = await after([of100({ month: MARCH }), of100({ month: MARCH, name: 'Food' })])
    expect(rows).toMatchObject([{ budget_id: 'b-1', budget_version: 2, name: 'Food' }])
  })
})

describe('a threshold', () => {
  const march = (amountMinor: bigint, changes = {}) =>
    of100({ month: MARCH, amountMinor, ...changes })

  test('is reached at exactly its share, not a minor unit before', async () => {
    expect(await toldAfter(march(100n), spent(79))).toEqual([])
    expect(await toldAfter(march(100n), spent(79), spent(1))).toEqual([80])
    // 80 % of 101 is 80.8.
    expect(await toldAfter(march(101n), spent(80))).toEqual([])
    expect(await toldAfter(march(101n), spent(81))).toEqual([80])
    const large = 900_719_925_474_099n
    const almost = recorded({
      transactionId: 'big',
      categoryId: 'groceries',
      bookedOn: MARCH_1,
      amountMinor: -(large - 1n),
    })
    expect(await toldAfter(march(large, { thresholds: [100] }), almost)).toEqual([])
    expect(await toldAfter(march(large, { thresholds: [100] }), almost, spent(1))).toEqual([100])
  })

  test('is told once, each of them', async () => {
    const cents = Array.from({ length: 30 }, () => spent(4))
    expect(await toldAfter(march(100n), ...cents)).toEqual([80, 90, 100])
    expect(await toldAfter(march(100n, { thresholds: [50, 120] }), ...cents)).toEqual([50, 120])
  })

  test('that is reached with others at once is told as the highest', async () => {
    expect(await toldAfter(march(100n), spent(95))).toEqual([90])
    expect(await toldAfter(march(100n), spent(500))).toEqual([100])
  })

  test('that is reached with others in one batch is told as the highest', async () => {
    const { told } = await after([march(100n), spent(80), spent(10), spent(10)], 100)
    expect(told).toEqual([{ month: MARCH, threshold: 100, spent: 100n }])
  })

  test('stays latched when spending is taken back, and is not told again', async () => {
    const one = spent(85, { transactionId: 't-1' })
    expect(await toldAfter(march(100n), one, deleted, spent(85))).toEqual([80])
    expect(await statusAfter(march(100n), one, deleted)).toEqual([
      '2026-03 groceries NOK 0 of 100: 80',
    ])
    expect(await statusAfter(of100(), one, deleted)).toEqual([
      '2026-03 groceries NOK 0 of 100: 80',
      'every groceries NOK 0 of 100',
    ])
  })

  test('is armed again when the budget is raised beyond what is spent', async () => {
    const first = [march(100n), spent(100)]
    expect(await toldAfter(...first, march(200n), spent(60))).toEqual([100, 80])
    expect(await statusAfter(...first, march(200n))).toEqual(['2026-03 groceries NOK 100 of 200'])
  })

  test('that is still reached after a raise was told already', async () => {
    expect(await toldAfter(march(100n), spent(95), march(110n))).toEqual([90])
    expect(await toldAfter(march(100n), spent(95), march(110n), spent(5))).toEqual([90, 90])
  })

  test('is not armed again by another name, other thresholds or a lower amount', async () => {
    const first = [march(100n), spent(85)]
    expect(await toldAfter(...first, march(100n, { name: 'Food' }), spent(1))).toEqual([80])
    expect(await toldAfter(...first, march(99n), spent(1))).toEqual([80])
    const taken = [march(100n), spent(85, { transactionId: 't-1' }), deleted]
    expect(await toldAfter(...taken, march(90n), spent(75))).toEqual([80])
    // 85 of 90 is 94 %.
    expect(await toldAfter(...first, march(90n))).toEqual([80, 90])
    expect(await toldAfter(...first, march(100n, { thresholds: [50, 80, 90] }))).toEqual([80])
    expect(await toldAfter(...first, march(100n, { thresholds: [84] }))).toEqual([80, 84])
  })

  test('that is reached when the budget is set is told then', async () => {
    expect(await toldAfter(spent(85), march(100n))).toEqual([80])
    expect(await toldAfter(spent(85), of100())).toEqual([80])
  })

  test('of a budget that was removed and set again is told again', async () => {
    const again = [{ type: 'RemoveBudget', budgetId: 'b-1' } as const, march(100n)]
    expect(await toldAfter(march(100n), spent(85), ...again)).toEqual([80, 80])
  })

  test('of another budget that holds now is its own', async () => {
    const own = march(100n, { budgetId: 'b-2' })
    expect(await toldAfter(of100(), spent(85), own)).toEqual([80, 80])
    expect(
      await toldAfter(own, spent(85), of100(), { type: 'RemoveBudget', budgetId: 'b-2' }),
    ).toEqual([80, 80])
  })

  test('of zero is reached by whatever is spent, and by nothing else', async () => {
    expect(await toldAfter(march(0n))).toEqual([])
    expect(await toldAfter(march(0n), spent(1))).toEqual([100])
  })

  test('is of each month by itself', async () => {
    const february = spent(85, { bookedOn: MARCH_1 - 1 })
    const { told } = await after([of100(), february, spent(85)])
    expect(told).toEqual([
      { month: MARCH - 1, threshold: 80, spent: 85n },
      { month: MARCH, threshold: 80, spent: 85n },
    ])
  })

  test('of a standing budget is latched and not told for months that are long over', async () => {
    const january = spent(85, { bookedOn: MARCH_1 - 29 })
    expect(await toldAfter(of100(), january)).toEqual([])
    expect(await toldAfter(january, of100())).toEqual([])
    expect(await statusAfter(of100(), january)).toContain('2026-01 groceries NOK 85 of 100: 80')
    expect(await toldAfter(of100({ month: MARCH - 2 }), january)).toEqual([80])
  })
})

test('what is told names its cause, the budget and what is spent', async () => {
  const batch = sources([created('c-1', 'Pets'), of100({ month: MARCH }), spent(85)])
  const { told } = await foldBatch(budgetStatus, batch, memoryTables().read)
  const cause = batch.at(-1)
  expect(told).toEqual([
    {
      offset: cause?.offset,
      index: 0,
      notice: {
        about: expect.any(String),
        record: {
          type: 'BudgetExceeded',
          userId: 'user-1',
          occurredAt: cause?.item.occurredAt,
          recordedAt: cause?.item.recordedAt,
          causeEventId: cause?.item.eventId,
          budgetId: 'b-1',
          budgetVersion: 1,
          categoryId: 'groceries',
          currency: 'NOK',
          month: MARCH,
          threshold: 80,
          amountMinor: 100n,
          spentMinor: 85n,
        },
      },
    },
  ])
})

test('what one event tells of several months is numbered in their order', async () => {
  const batch = sources([
    spent(85),
    spent(85, { bookedOn: MARCH_1 + 31 }),
    spent(85, { bookedOn: MARCH_1 - 1 }),
    of100(),
  ])
  const { told = [] } = await foldBatch(budgetStatus, batch, memoryTables().read)
  expect(told.map(({ notice, index }) => [notice.record.month, index])).toEqual([
    [MARCH - 1, 0],
    [MARCH, 1],
    [MARCH + 1, 2],
  ])
})
