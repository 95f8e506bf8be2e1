import { expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import type { Row } from '../../../sink/tables.ts'
import { accounts } from '../../../topology/processors/accounts.ts'
import { COMMANDS_AT } from '../../support/arbitrary-commands.ts'
import { amended, deleted, groceries, opened, openedIn } from '../../support/example-commands.ts'
import { reconciled, recorded, transferred } from '../../support/example-commands.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'

const rowsAfter = (...bodies: LedgerCommandBody[]): Promise<readonly Row[]> =>
  foldedRows(accounts, eventsOfBodies(...bodies))

test('an account begins open, empty and in its currency', async () => {
  expect(await rowsAfter(opened)).toEqual([
    {
      user_id: 'user-1',
      account_id: 'a-1',
      kind: 'checking',
      name: 'Everyday',
      bank_name: 'A bank',
      currency: 'NOK',
      balance_minor: 0n,
      transaction_count: 0,
      status: 'open',
      opened_at: COMMANDS_AT,
      updated_at: COMMANDS_AT,
      last_sequence: 1,
    },
  ])
})

test('spending and income move the balance of their account alone', async () => {
  const income = recorded({ transactionId: 't-2', amountMinor: 50_000n })
  expect(await rowsAfter(opened, openedIn('EUR', 'a-2'), groceries, income)).toMatchObject([
    { account_id: 'a-1', balance_minor: 37_450n, transaction_count: 2, last_sequence: 4 },
    { account_id: 'a-2', balance_minor: 0n, transaction_count: 0, last_sequence: 2 },
  ])
})

test('an amended amount counts instead of the old one, and is no other transaction', async () => {
  expect(await rowsAfter(opened, groceries, amended({ amountMinor: 700n }))).toMatchObject([
    { balance_minor: 700n, transaction_count: 1, updated_at: COMMANDS_AT + 2, last_sequence: 3 },
  ])
})

test('a deleted transaction counts no more', async () => {
  expect(await rowsAfter(opened, groceries, deleted)).toMatchObject([
    { balance_minor: 0n, transaction_count: 0 },
  ])
})

test('a category that the user chose leaves the account alone', async () => {
  const chosen: LedgerCommandBody = {
    type: 'OverrideCategory',
    transactionId: 't-1',
    categoryId: 'health',
  }
  expect(await rowsAfter(opened, groceries, chosen)).toEqual(await rowsAfter(opened, groceries))
})

test('a rename changes the name, and a close the status', async () => {
  const renamed: LedgerCommandBody = { type: 'RenameAccount', accountId: 'a-1', name: 'Household' }
  const closed: LedgerCommandBody = { type: 'CloseAccount', accountId: 'a-1' }
  expect(await rowsAfter(opened, renamed)).toMatchObject([
    { name: 'Household', bank_name: 'A bank', status: 'open', opened_at: COMMANDS_AT },
  ])
  expect(await rowsAfter(opened, renamed, closed)).toMatchObject([
    { name: 'Household', status: 'closed', updated_at: COMMANDS_AT + 2 },
  ])
})

test('an event for an account that is not there is a fault, not a new account', async () => {
  const events = eventsOfBodies(opened, groceries).slice(1)
  await expect(foldedRows(accounts, events)).rejects.toThrow(
    'TransactionCreated for a row that does not exist',
  )
})

test('a reconciliation moves the balance by its adjustment, and alone by nothing', async () => {
  expect(await rowsAfter(opened, groceries, reconciled({ statementMinor: 1n }))).toMatchObject([
    {
      balance_minor: -12_550n,
      transaction_count: 1,
      updated_at: COMMANDS_AT + 2,
      last_sequence: 3,
    },
  ])
  const adjusting = reconciled({ statementMinor: 1n, adjustmentId: 't-2' })
  expect(await rowsAfter(opened, groceries, adjusting)).toMatchObject([
    { balance_minor: 1n, transaction_count: 2, last_sequence: 4 },
  ])
})

test('a transfer moves both balances, and its deletion moves them back', async () => {
  const history = [opened, openedIn('NOK', 'a-2'), transferred({})]
  expect(await rowsAfter(...history)).toMatchObject([
    { account_id: 'a-1', balance_minor: -700n, transaction_count: 1 },
    { account_id: 'a-2', balance_minor: 700n, transaction_count: 1 },
  ])
  const undone: LedgerCommandBody = {
    type: 'DeleteTransfer',
    fromTransactionId: 'from',
    toTransactionId: 'to',
  }
  expect(await rowsAfter(...history, undone)).toMatchObject([
    { account_id: 'a-1', balance_minor: 0n, transaction_count: 0 },
    { account_id: 'a-2', balance_minor: 0n, transaction_count: 0 },
  ])
})
