import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import {
  amended,
  groceries,
  opened,
  openedIn,
  recorded,
  splitInto,
  transferred,
} from '../support/example-commands.ts'
import { commandIdOf, given, NOW, sent } from '../support/specification.ts'

const TODAY = Math.floor(NOW / 86_400_000)
const savings = openedIn('NOK', 'a-2')
const undone: LedgerCommandBody = {
  type: 'DeleteTransfer',
  fromTransactionId: 'from',
  toTransactionId: 'to',
}
const closed: LedgerCommandBody = { type: 'CloseAccount', accountId: 'a-2' }
/** What the first account had, the second gets, and is closed at zero after. */
const emptied = [
  opened,
  savings,
  recorded({ transactionId: 't-2', accountId: 'a-2', amountMinor: -700n }),
  transferred({}),
  closed,
]

describe('a transfer', () => {
  test('is two transactions of one command that name each other', () => {
    const example = given(opened, savings)
      .when(transferred({ bookedOn: TODAY - 1, description: 'for the boat', note: 'n' }))
      .expectEvents(
        {
          type: 'TransactionCreated',
          transactionId: 'from',
          accountId: 'a-1',
          amountMinor: -700n,
          currency: 'NOK',
          bookedOn: TODAY - 1,
          categoryId: 'transfer',
          kind: 'transfer',
          linkedTransactionId: 'to',
        },
        {
          type: 'TransactionCreated',
          transactionId: 'to',
          accountId: 'a-2',
          amountMinor: 700n,
          currency: 'NOK',
          bookedOn: TODAY - 1,
          categoryId: 'transfer',
          kind: 'transfer',
          linkedTransactionId: 'from',
        },
      )
      .expectState('account', 'a-1', { balanceMinor: -700n, transactionCount: 1 })
      .expectState('account', 'a-2', { balanceMinor: 700n, transactionCount: 1 })
    for (const id of ['from', 'to'])
      example.expectState('transaction', id, { description: 'for the boat', note: 'n' })
  })

  test('and its deletion leave the sum over the accounts of the currency as it was', () => {
    const amounts = fc.bigInt({ min: 1n, max: 10n ** 15n })
    fc.assert(
      fc.property(amounts, amounts, (before, amountMinor) => {
        const history = [opened, savings, recorded({ amountMinor: before })]
        const moved = given(...history).when(transferred({ amountMinor }))
        const back = given(...history, transferred({ amountMinor })).when(undone)
        for (const { ledger, answer } of [moved, back]) {
          expect(answer.outcome.verdict).toBe('accepted')
          const balances = [...ledger.accounts.values()].map(({ held }) =>
            held.state.status === 'unopened' ? 0n : held.state.balanceMinor,
          )
          expect(balances.reduce((sum, balance) => sum + balance, 0n)).toBe(before)
        }
      }),
    )
  })

  test('is between two accounts that are open and kept in its currency', () => {
    const both = given(opened, savings)
    both.when(transferred({ toAccountId: 'a-1' })).expectRejected('accounts-same', 'toAccountId')
    both
      .when(transferred({ fromAccountId: 'a-9' }))
      .expectRejected('account-missing', 'fromAccountId')
    both.when(transferred({ toAccountId: 'a-9' })).expectRejected('account-missing', 'toAccountId')
    given(opened, savings, closed)
      .when(transferred({}))
      .expectRejected('account-closed', 'toAccountId')
    both.when(transferred({ currency: 'EUR' })).expectRejected('currency-mismatch', 'currency')
    given(opened, openedIn('EUR', 'a-2'))
      .when(transferred({}))
      .expectRejected('currency-mismatch', 'currency')
  })

  test('moves more than zero and at most 10^15, and no balance beyond 64 bits', () => {
    const both = given(opened, savings)
    for (const amountMinor of [0n, -1n, -(2n ** 63n)])
      both.when(transferred({ amountMinor })).expectRejected('amount-not-positive', 'amountMinor')
    both.when(transferred({ amountMinor: 10n ** 15n })).expectState('account', 'a-2', {
      balanceMinor: 10n ** 15n,
    })
    both
      .when(transferred({ amountMinor: 10n ** 15n + 1n }))
      .expectRejected('amount-over-limit', 'amountMinor')
  })

  test('has texts and dates like any transaction', () => {
    const both = given(opened, savings)
    both.when(transferred({ description: 'x'.repeat(501) })).expectRejected('text-too-long')
    both.when(transferred({ note: 'a\0b' })).expectRejected('text-invalid', 'note')
    both.when(transferred({ occurredAt: -1 })).expectRejected('date-out-of-range', 'occurredAt')
    both.when(transferred({ bookedOn: -1 })).expectRejected('date-out-of-range', 'bookedOn')
  })

  test('takes two ids that are ids and that nothing has or had', () => {
    const both = given(opened, savings, groceries)
    both
      .when(transferred({ toTransactionId: 'from' }))
      .expectRejected('id-taken', 'toTransactionId')
    both.when(transferred({ toTransactionId: 't-1' })).expectRejected('id-taken', 'toTransactionId')
    both
      .when(transferred({ fromTransactionId: 't-1' }))
      .expectRejected('id-taken', 'fromTransactionId')
    both
      .when(transferred({ toTransactionId: 't 1' }))
      .expectRejected('id-invalid', 'toTransactionId')
    const moved = given(opened, savings, transferred({}))
    for (const transactionId of ['from', 'to'])
      moved.when(recorded({ transactionId })).expectRejected('id-taken', 'transactionId')
    moved.when(transferred({ amountMinor: 1n })).expectRejected('id-taken', 'fromTransactionId')
  })

  test('is recognised for ever by its ids and its content, with both of its events', () => {
    for (const history of [[], [undone]]) {
      const { outcome } = given(opened, savings, transferred({}), ...history)
        .when(transferred({}))
        .expectDuplicate().answer
      expect(outcome.eventIds).toHaveLength(2)
    }
  })

  test('is deleted as a whole', () => {
    given(opened, savings, transferred({}))
      .when(undone)
      .expectEvents(
        { type: 'TransactionDeleted', transactionId: 'from', accountId: 'a-1' },
        { type: 'TransactionDeleted', transactionId: 'to', accountId: 'a-2' },
      )
      .expectState('account', 'a-1', { balanceMinor: 0n, transactionCount: 0 })
      .expectState('account', 'a-2', { balanceMinor: 0n, transactionCount: 0 })
    given(opened, savings, transferred({}), undone)
      .when(undone)
      .expectRejected('transaction-deleted', 'fromTransactionId')
    given(opened, savings).when(undone).expectRejected('transaction-missing', 'fromTransactionId')
    given(...emptied)
      .when(undone)
      .expectRejected('account-closed', 'toTransactionId')
  })

  test('is not deleted with a transaction that is not its other side', () => {
    const other = transferred({ fromTransactionId: 'from-2', toTransactionId: 'to-2' })
    const two = given(opened, savings, transferred({}), other, groceries)
    for (const toTransactionId of ['to-2', 'from', 't-1'])
      two.when({ ...undone, toTransactionId }).expectRejected('transfer-missing', 'toTransactionId')
    two
      .when({ ...undone, toTransactionId: 't-9' })
      .expectRejected('transaction-missing', 'toTransactionId')
  })

  test('has sides that are not moved, split, or deleted alone', () => {
    const moved = given(opened, savings, transferred({}))
    for (const transactionId of ['from', 'to']) {
      const alone: readonly LedgerCommandBody[] = [
        { type: 'DeleteTransaction', transactionId },
        { type: 'OverrideCategory', transactionId, categoryId: 'health' },
        amended({ transactionId, amountMinor: 5n }),
        { ...splitInto(['health', null], ['travel', null]), transactionId },
      ]
      for (const command of alone)
        moved.when(command).expectRejected('transfer-leg', 'transactionId')
      moved
        .when(amended({ transactionId, note: 'x', bookedOn: TODAY - 2 }))
        .expectEvent({ type: 'TransactionUpdated', transactionId })
    }
  })

  test('whose deletion is sent again answers as before, though its sides had other versions', () => {
    const commandId = commandIdOf(900)
    const noted = amended({ transactionId: 'to', note: 'x' })
    const { outcome } = given(opened, savings, transferred({}), noted, sent(undone, { commandId }))
      .when(undone, { commandId })
      .expectDuplicate().answer
    expect(outcome.version).toBe(2)
    expect(outcome.eventIds).toHaveLength(2)
  })
})
