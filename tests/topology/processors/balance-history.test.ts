import { expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import { balanceHistory } from '../../../topology/processors/balance-history.ts'
import {
  amended,
  deleted,
  opened,
  openedIn,
  reconciled,
  recorded,
  spent,
  splitInto,
  transferred,
} from '../../support/example-commands.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'

const bought = recorded({ categoryId: 'groceries', bookedOn: 20_000, amountMinor: -500n })
const paid = recorded({ transactionId: 't-2', bookedOn: 20_000, amountMinor: 900n })

/** Rows as `account day change count`. */
async function changesAfter(...bodies: LedgerCommandBody[]): Promise<readonly string[]> {
  const rows = await foldedRows(balanceHistory, eventsOfBodies(opened, ...bodies))
  return rows.map(({ account_id, booked_on, change_minor, transaction_count }) =>
    [account_id, booked_on, change_minor, transaction_count].join(' '),
  )
}

test('a day of an account has the sum of what was booked on it, whatever its sign', async () => {
  const later = recorded({ ...bought, transactionId: 't-3', bookedOn: 20_007 })
  expect(await changesAfter(bought, paid, later)).toEqual(['a-1 20000 400 2', 'a-1 20007 -500 1'])
})

test('amendments move the change to its new day and amount, in the past too', async () => {
  expect(await changesAfter(bought, paid, amended({ amountMinor: -100n }))).toEqual([
    'a-1 20000 800 2',
  ])
  expect(await changesAfter(bought, paid, amended({ bookedOn: 19_000 }))).toEqual([
    'a-1 19000 -500 1',
    'a-1 20000 900 1',
  ])
})

test('a day on which nothing is booked any more has no row', async () => {
  expect(await changesAfter(bought, deleted)).toEqual([])
  expect(await changesAfter(bought, paid, deleted)).toEqual(['a-1 20000 900 1'])
})

test('a day whose bookings add up to nothing keeps its row', async () => {
  expect(await changesAfter(bought, recorded({ ...paid, amountMinor: 500n }))).toEqual([
    'a-1 20000 0 2',
  ])
})

test('words, categories and splits change no balance', async () => {
  const alone = ['a-1 20000 -500 1']
  expect(await changesAfter(bought, amended({ note: 'other' }))).toEqual(alone)
  const override: LedgerCommandBody = {
    type: 'OverrideCategory',
    transactionId: 't-1',
    categoryId: 'health',
  }
  expect(await changesAfter(bought, override)).toEqual(alone)
  expect(await changesAfter(bought, splitInto(['health', null], ['travel', null]))).toEqual(alone)
})

test('an adjustment counts on the day of its statement', async () => {
  const adjusting = { statementOn: 20_003, statementMinor: -900n, adjustmentId: 'x-1' }
  expect(await changesAfter(bought, reconciled(adjusting))).toEqual([
    'a-1 20000 -500 1',
    'a-1 20003 -400 1',
  ])
})

test('a transfer takes from one account and gives to the other, and both back when it is deleted', async () => {
  const transfer = transferred({ bookedOn: 20_000 })
  expect(await changesAfter(openedIn('NOK', 'a-2'), transfer)).toEqual([
    'a-1 20000 -700 1',
    'a-2 20000 700 1',
  ])
  const { fromTransactionId, toTransactionId } = transfer
  const undone = { type: 'DeleteTransfer', fromTransactionId, toTransactionId } as const
  expect(await changesAfter(openedIn('NOK', 'a-2'), transfer, undone)).toEqual([])
})

test('an expense is taken from the cash account', async () => {
  expect(await changesAfter(spent({ expenseOn: 20_000 }))).toEqual([
    expect.stringMatching(/ 20000 -450000 1$/),
  ])
})
