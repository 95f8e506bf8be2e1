import { describe, expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import {
  amended,
  booking,
  created,
  groceries,
  opened,
  openedIn,
  respent,
  spent,
  splitInto,
} from '../support/example-commands.ts'
import { commandIdOf, given, NOW, sent } from '../support/specification.ts'

const DAY_MS = 86_400_000
const TODAY = Math.floor(NOW / DAY_MS)
const cash = { ...openedIn('TZS', 'cash-TZS'), kind: 'cash' } as const
const gone: LedgerCommandBody = { type: 'DeleteExpense', expenseId: 'e-1' }
const counted = booking({ amountMinor: -450_000n, categoryId: 'groceries', kind: 'expense' })

describe('an expense', () => {
  test('is a transaction of the cash account, which the first of its currency opens', () => {
    const example = given()
      .when(spent({ expenseOn: TODAY - 1 }))
      .expectEvents(
        { type: 'AccountOpened', accountId: 'cash-TZS', kind: 'cash', currency: 'TZS' },
        {
          type: 'TransactionCreated',
          transactionId: 'e-1',
          accountId: 'cash-TZS',
          amountMinor: -450_000n,
          currency: 'TZS',
          bookedOn: TODAY - 1,
          categoryId: 'groceries',
          categorySource: 'user',
          kind: 'expense',
        },
      )
      .expectState('account', 'cash-TZS', { balanceMinor: -450_000n, transactionCount: 1 })
      .expectState('transaction', 'e-1', {
        description: 'at the market',
        occurredAt: (TODAY - 1) * DAY_MS,
      })
    expect(example.answer.outcome).toMatchObject({ aggregateType: 'transaction', version: 1 })
    given(spent({}))
      .when(spent({ expenseId: 'e-2' }))
      .expectEvent({ type: 'TransactionCreated', accountId: 'cash-TZS' })
    given(spent({}))
      .when(spent({ expenseId: 'e-2', currency: 'NOK' }))
      .expectEvents(
        { type: 'AccountOpened', accountId: 'cash-NOK' },
        { type: 'TransactionCreated' },
      )
  })

  test('uses the cash account that the user opened, while it is open and of its currency', () => {
    const closed: LedgerCommandBody = { type: 'CloseAccount', accountId: 'cash-TZS' }
    given(cash).when(spent({})).expectEvent({ type: 'TransactionCreated' })
    given(cash, closed).when(spent({})).expectRejected('account-closed', 'currency')
    given(openedIn('NOK', 'cash-TZS'))
      .when(spent({}))
      .expectRejected('currency-mismatch', 'currency')
  })

  test.each([
    ['TZS', 100_000_000n],
    ['JPY', 1_000_000n],
    ['TND', 1_000_000_000n],
  ])('in %s is one minor unit to 1,000,000 units', (currency, most) => {
    for (const amountMinor of [1n, most])
      given()
        .when(spent({ currency, amountMinor }))
        .expectState('account', `cash-${currency}`, { balanceMinor: -amountMinor })
    given(spent({ currency }))
      .when(respent({ amountMinor: most + 1n }))
      .expectRejected('amount-over-limit', 'amountMinor')
    given()
      .when(spent({ currency, amountMinor: most + 1n }))
      .expectRejected('amount-over-limit', 'amountMinor')
    for (const amountMinor of [0n, -1n, -(2n ** 63n)]) {
      given()
        .when(spent({ currency, amountMinor }))
        .expectRejected('amount-not-positive', 'amountMinor')
      given(spent({ currency }))
        .when(respent({ amountMinor }))
        .expectRejected('amount-not-positive', 'amountMinor')
    }
  })

  test('has a known currency and category, a day that can be and a text that fits', () => {
    const nothing = given()
    nothing.when(spent({ currency: 'shillings' })).expectRejected('currency-unknown', 'currency')
    nothing.when(spent({ categoryId: 'c-1' })).expectRejected('category-unknown', 'categoryId')
    nothing.when(spent({ expenseOn: -1 })).expectRejected('date-out-of-range', 'expenseOn')
    nothing.when(spent({ expenseOn: TODAY + 367 })).expectRejected('date-out-of-range', 'expenseOn')
    nothing
      .when(spent({ description: 'x'.repeat(501) }))
      .expectRejected('text-too-long', 'description')
  })

  test('is recognised for ever by its id, with what it gave: its account too, where it was the first', () => {
    for (const history of [[spent({})], [spent({}), gone]]) {
      const { outcome } = given(...history)
        .when(spent({}))
        .expectDuplicate().answer
      expect(outcome.eventIds).toHaveLength(2)
    }
    const second = spent({ expenseId: 'e-2' })
    given(spent({}), second).when(second).expectDuplicate()
    given(cash, spent({})).when(spent({})).expectDuplicate()
    given(spent({}))
      .when(spent({ amountMinor: 1n }))
      .expectRejected('id-taken', 'expenseId')
    given(opened, groceries)
      .when(spent({ expenseId: 't-1' }))
      .expectRejected('id-taken', 'expenseId')
  })

  test('is updated by one event with what it counted for before and after', () => {
    given(spent({}))
      .when(
        respent({
          amountMinor: 1n,
          categoryId: 'dining',
          expenseOn: TODAY - 2,
          description: 'at the inn',
        }),
      )
      .expectEvent(
        {
          type: 'TransactionUpdated',
          before: counted,
          after: { ...counted, amountMinor: -1n, categoryId: 'dining', bookedOn: TODAY - 2 },
          previousOccurredAt: TODAY * DAY_MS,
        },
        { description: 'at the inn', previousDescription: 'at the market' },
      )
      .expectState('account', 'cash-TZS', { balanceMinor: -1n, transactionCount: 1 })
      .expectState('transaction', 'e-1', { occurredAt: (TODAY - 2) * DAY_MS })
  })

  test('keeps what an update does not name, and is not updated to what it is', () => {
    const one = given(spent({}))
    one.when(respent({})).expectRejected('nothing-to-change', 'body')
    const same = { amountMinor: 450_000n, categoryId: 'groceries', description: 'at the market' }
    one.when(respent(same)).expectRejected('nothing-to-change', 'body')
    for (const [change, after] of [
      [{ categoryId: 'dining' }, { categoryId: 'dining' }],
      [{ expenseOn: TODAY - 1 }, { bookedOn: TODAY - 1 }],
      [{ amountMinor: 2n }, { amountMinor: -2n }],
      [{ description: 'x' }, {}],
    ] as const)
      one.when(respent(change)).expectEvent({
        type: 'TransactionUpdated',
        after: { ...counted, ...after },
      })
    one.when(respent({ categoryId: 'c-9' })).expectRejected('category-unknown', 'categoryId')
    one.when(respent({ expenseOn: -1 })).expectRejected('date-out-of-range', 'expenseOn')
    one.when(respent({ description: 'a\0' })).expectRejected('text-invalid', 'description')
  })

  test('uses its category, the one that an update gives it and no more the old one', () => {
    const own = [created('c-1', 'Pets'), created('c-2', 'Boats'), spent({ categoryId: 'c-1' })]
    const moved = given(...own, respent({ categoryId: 'c-2' }))
    moved
      .when({ type: 'DeleteCategory', categoryId: 'c-2' })
      .expectRejected('category-in-use', 'categoryId')
    moved
      .when({ type: 'DeleteCategory', categoryId: 'c-1' })
      .expectEvent({ type: 'CategoryDeleted' })
  })

  test('is deleted, and then is gone', () => {
    given(spent({}))
      .when(gone)
      .expectEvent({ type: 'TransactionDeleted', transactionId: 'e-1', before: counted })
      .expectState('account', 'cash-TZS', { balanceMinor: 0n, transactionCount: 0 })
    given(spent({}), gone).when(gone).expectRejected('transaction-deleted', 'expenseId')
    given(spent({}), gone).when(respent({})).expectRejected('transaction-deleted', 'expenseId')
    given().when(gone).expectRejected('expense-missing', 'expenseId')
  })

  test('is not any transaction: others are not updated or deleted as one', () => {
    const other = given(opened, groceries)
    const note = { expenseId: 't-1', description: 'x' }
    other.when(respent(note)).expectRejected('expense-missing', 'expenseId')
    other
      .when({ type: 'DeleteExpense', expenseId: 't-1' })
      .expectRejected('expense-missing', 'expenseId')
  })

  test('keeps its limits when it is amended as a transaction', () => {
    const one = given(spent({}))
    const asTransaction = (amountMinor: bigint) => amended({ transactionId: 'e-1', amountMinor })
    one.when(asTransaction(5n)).expectRejected('amount-not-positive', 'amountMinor')
    one.when(asTransaction(-100_000_001n)).expectRejected('amount-over-limit', 'amountMinor')
    one.when(asTransaction(-5n)).expectEvent({ type: 'TransactionUpdated' })
  })

  test('that is split keeps amount and category, and moves in time', () => {
    const parts = { ...splitInto(['health', null], ['travel', null]), transactionId: 'e-1' }
    const split = given(spent({}), parts)
    split.when(respent({ amountMinor: 1n })).expectRejected('transaction-split')
    split.when(respent({ categoryId: 'dining' })).expectRejected('transaction-split')
    split.when(respent({ expenseOn: TODAY - 1 })).expectEvent({ type: 'TransactionUpdated' })
  })

  test('that is updated or deleted twice by the same command is a duplicate', () => {
    const commandId = commandIdOf(900)
    const update = respent({ amountMinor: 1n })
    given(spent({}), sent(update, { commandId })).when(update, { commandId }).expectDuplicate()
    given(spent({}), sent(gone, { commandId })).when(gone, { commandId }).expectDuplicate()
  })
})
