import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MINOR_MAX } from '../../schemas/money.ts'
import { deleted, groceries, opened, reconciled, recorded } from '../support/example-commands.ts'
import { commandIdOf, given, NOW, sent } from '../support/specification.ts'

const TODAY = Math.floor(NOW / 86_400_000)

describe('a reconciliation', () => {
  test('records balance, statement and their exact difference, and changes nothing', () => {
    given(opened, groceries)
      .when(reconciled({ statementMinor: 100n }))
      .expectEvent(
        {
          type: 'AccountReconciled',
          accountId: 'a-1',
          currency: 'NOK',
          statementOn: TODAY,
          statementMinor: 100n,
          balanceMinor: -12_550n,
          differenceMinor: 12_650n,
          adjustmentId: null,
        },
        null,
      )
      .expectState('account', 'a-1', { balanceMinor: -12_550n, transactionCount: 1 })
  })

  test('with an adjustment creates a transaction of the difference in the same breath', () => {
    given(opened, groceries)
      .when(reconciled({ statementMinor: 100n, statementOn: TODAY - 3, adjustmentId: 't-2' }))
      .expectEvents(
        {
          type: 'AccountReconciled',
          balanceMinor: -12_550n,
          differenceMinor: 12_650n,
          adjustmentId: 't-2',
        },
        {
          type: 'TransactionCreated',
          transactionId: 't-2',
          accountId: 'a-1',
          amountMinor: 12_650n,
          currency: 'NOK',
          bookedOn: TODAY - 3,
          kind: 'adjustment',
        },
      )
      .expectState('account', 'a-1', { balanceMinor: 100n, transactionCount: 2 })
      .expectState('transaction', 't-2', { status: 'recorded' })
  })

  test('always leaves the balance of the statement where it adjusts, and the old one where not', () => {
    const minor = fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n })
    fc.assert(
      fc.property(
        minor,
        minor,
        fc.option(fc.constant('t-2')),
        (amount, statement, adjustmentId) => {
          fc.pre(amount !== 0n)
          const balanceMinor = adjustmentId === null ? amount : statement
          given(opened, recorded({ amountMinor: amount }))
            .when(reconciled({ statementMinor: statement, adjustmentId }))
            .expectState('account', 'a-1', { balanceMinor })
        },
      ),
    )
  })

  test('without a difference creates nothing, whatever was wished', () => {
    given(opened)
      .when(reconciled({ statementMinor: 0n, adjustmentId: 't-1' }))
      .expectEvent({ type: 'AccountReconciled', differenceMinor: 0n, adjustmentId: null })
  })

  test('is of an account that is open, in its currency, on a day that can be', () => {
    const closed = { type: 'CloseAccount', accountId: 'a-1' } as const
    given().when(reconciled({})).expectRejected('account-missing', 'accountId')
    given(opened, closed).when(reconciled({})).expectRejected('account-closed', 'accountId')
    given(opened)
      .when(reconciled({ currency: 'EUR' }))
      .expectRejected('currency-mismatch', 'currency')
    for (const statementOn of [-1, TODAY + 367])
      given(opened)
        .when(reconciled({ statementOn }))
        .expectRejected('date-out-of-range', 'statementOn')
  })

  test('adjusts with an id that is one and that nothing has or had', () => {
    for (const history of [[groceries], [groceries, deleted]])
      given(opened, ...history)
        .when(reconciled({ statementMinor: 5n, adjustmentId: 't-1' }))
        .expectRejected('id-taken', 'adjustmentId')
    given(opened)
      .when(reconciled({ statementMinor: 5n, adjustmentId: 't 1' }))
      .expectRejected('id-invalid', 'adjustmentId')
    given(opened, reconciled({ statementMinor: 5n, adjustmentId: 't-1' }))
      .when(groceries)
      .expectRejected('id-taken', 'transactionId')
  })

  test('adjusts by at most 10^15, and has a difference of 64 bits', () => {
    const most = 10n ** 15n
    for (const statementMinor of [most, -most])
      given(opened)
        .when(reconciled({ statementMinor, adjustmentId: 't-1' }))
        .expectState('account', 'a-1', { balanceMinor: statementMinor })
    given(opened)
      .when(reconciled({ statementMinor: most + 1n, adjustmentId: 't-1' }))
      .expectRejected('amount-over-limit', 'statementMinor')
    given(opened)
      .when(reconciled({ statementMinor: MINOR_MAX }))
      .expectEvent({ type: 'AccountReconciled', differenceMinor: MINOR_MAX })
    given(opened, recorded({ amountMinor: -1n }))
      .when(reconciled({ statementMinor: MINOR_MAX }))
      .expectRejected('balance-over-limit', 'statementMinor')
  })

  test('that is sent twice is a duplicate with both of its events', () => {
    const commandId = commandIdOf(900)
    const adjusting = reconciled({ statementMinor: 5n, adjustmentId: 't-1' })
    const { outcome } = given(opened, sent(adjusting, { commandId }))
      .when(adjusting, { commandId })
      .expectDuplicate().answer
    expect(outcome.eventIds).toHaveLength(2)
  })

  test('keeps its account in use: it is closed when the balance is zero', () => {
    given(opened, groceries, reconciled({ statementMinor: 0n, adjustmentId: 't-2' }))
      .when({ type: 'CloseAccount', accountId: 'a-1' })
      .expectEvent({ type: 'AccountClosed' })
  })
})
