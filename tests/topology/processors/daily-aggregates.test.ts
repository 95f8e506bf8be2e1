import { expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import { dailyAggregates } from '../../../topology/processors/daily-aggregates.ts'
import {
  amended,
  deleted,
  openedIn,
  opened,
  reconciled,
  recorded,
  respent,
  spent as spentInCash,
  splitInto,
  transferred,
} from '../../support/example-commands.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'

const spent = recorded({ categoryId: 'groceries', bookedOn: 20_000, amountMinor: -500n })
const toHealth: LedgerCommandBody = {
  type: 'OverrideCategory',
  transactionId: 't-1',
  categoryId: 'health',
}

/** Rows as `day category currency total count`. */
async function spendingAfter(...bodies: LedgerCommandBody[]): Promise<readonly string[]> {
  const rows = await foldedRows(dailyAggregates, eventsOfBodies(opened, ...bodies))
  return rows.map(({ booked_on, category_id, currency, total_minor, transaction_count }) =>
    [booked_on, category_id, currency, total_minor, transaction_count].join(' '),
  )
}

test('spending is a positive total by day, category and currency', async () => {
  const others = [
    recorded({ ...spent, transactionId: 't-2', amountMinor: -700n }),
    recorded({ ...spent, transactionId: 't-3', bookedOn: 20_001 }),
    recorded({ ...spent, transactionId: 't-4', categoryId: 'health' }),
    openedIn('EUR', 'a-2'),
    recorded({ ...spent, transactionId: 't-5', accountId: 'a-2', currency: 'EUR' }),
  ]
  expect(await spendingAfter(spent, ...others)).toEqual([
    '20000 groceries EUR 500 1',
    '20000 groceries NOK 1200 2',
    '20000 health NOK 500 1',
    '20001 groceries NOK 500 1',
  ])
})

test('income is not counted and takes nothing off the spending', async () => {
  const income = recorded({ ...spent, transactionId: 't-2', amountMinor: 900n })
  expect(await spendingAfter(income)).toEqual([])
  expect(await spendingAfter(spent, income)).toEqual(['20000 groceries NOK 500 1'])
  expect(await spendingAfter(income, { ...deleted, transactionId: 't-2' })).toEqual([])
})

test('an amendment moves the spending to its new day and amount', async () => {
  expect(await spendingAfter(spent, amended({ amountMinor: -300n }))).toEqual([
    '20000 groceries NOK 300 1',
  ])
  expect(await spendingAfter(spent, amended({ bookedOn: 20_009, amountMinor: -1n }))).toEqual([
    '20009 groceries NOK 1 1',
  ])
})

test('spending that turns out to be income is no spending, and the other way round', async () => {
  const income = recorded({ ...spent, amountMinor: 900n })
  expect(await spendingAfter(spent, amended({ amountMinor: 500n }))).toEqual([])
  expect(await spendingAfter(income, amended({ amountMinor: -500n }))).toEqual([
    '20000 groceries NOK 500 1',
  ])
})

test('an amendment that changes only words changes nothing here', async () => {
  expect(await spendingAfter(spent, amended({ note: 'other' }))).toEqual(await spendingAfter(spent))
})

test('a category that the user chose takes the spending with it', async () => {
  expect(await spendingAfter(spent, toHealth)).toEqual(['20000 health NOK 500 1'])
  expect(await spendingAfter(spent, toHealth, amended({ bookedOn: 20_001 }))).toEqual([
    '20001 health NOK 500 1',
  ])
})

test('a deleted transaction leaves no row behind', async () => {
  expect(await spendingAfter(spent, deleted)).toEqual([])
  expect(await spendingAfter(spent, toHealth, deleted)).toEqual([])
})

test('a split counts in the categories of its parts, whatever happens to it after', async () => {
  const split = splitInto(['health', -100n], ['travel', null])
  const halves = ['20000 health NOK 100 1', '20000 travel NOK 400 1']
  expect(await spendingAfter(spent, split)).toEqual(halves)
  expect(await spendingAfter(spent, split, amended({ bookedOn: 20_009 }))).toEqual(
    halves.map((row) => row.replace('20000', '20009')),
  )
  expect(await spendingAfter(spent, split, splitInto(['travel', null], ['other', -1n]))).toEqual([
    '20000 other NOK 1 1',
    '20000 travel NOK 499 1',
  ])
  expect(await spendingAfter(spent, split, splitInto())).toEqual(['20000 groceries NOK 500 1'])
  expect(await spendingAfter(spent, split, deleted)).toEqual([])
})

test('a split of income is no spending', async () => {
  const income = recorded({ ...spent, amountMinor: 900n })
  expect(await spendingAfter(income, splitInto(['health', null], ['travel', null]))).toEqual([])
})

test('an adjustment is no spending, whatever happens to it after', async () => {
  const adjusting = reconciled({ statementMinor: -900n, adjustmentId: 't-1' })
  expect(await spendingAfter(adjusting)).toEqual([])
  expect(await spendingAfter(adjusting, amended({ amountMinor: -1n }), toHealth)).toEqual([])
  expect(await spendingAfter(adjusting, deleted)).toEqual([])
})

test('money between own accounts is no spending, whatever happens to it after', async () => {
  const history = [openedIn('NOK', 'a-2'), transferred({})]
  expect(await spendingAfter(...history)).toEqual([])
  expect(
    await spendingAfter(...history, amended({ transactionId: 'from', bookedOn: 20_009 })),
  ).toEqual([])
  expect(
    await spendingAfter(...history, {
      type: 'DeleteTransfer',
      fromTransactionId: 'from',
      toTransactionId: 'to',
    }),
  ).toEqual([])
})

test('an expense is spending, in the category that an update gives it', async () => {
  const one = spentInCash({ expenseOn: 20_000 })
  expect(await spendingAfter(one)).toEqual(['20000 groceries TZS 450000 1'])
  expect(await spendingAfter(one, respent({ categoryId: 'dining', amountMinor: 1n }))).toEqual([
    '20000 dining TZS 1 1',
  ])
  expect(await spendingAfter(one, { type: 'DeleteExpense', expenseId: 'e-1' })).toEqual([])
})
