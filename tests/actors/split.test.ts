import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import {
  amended,
  booking,
  created,
  deleted,
  groceries,
  opened,
  recorded,
  splitInto,
} from '../support/example-commands.ts'
import { commandIdOf, given, sent } from '../support/specification.ts'

const intoTwo = splitInto(['health', -2_550n], ['travel', -10_000n])
const twoParts = [
  { categoryId: 'health', amountMinor: -2_550n },
  { categoryId: 'travel', amountMinor: -10_000n },
]
const intoHealth: LedgerCommandBody = {
  type: 'OverrideCategory',
  transactionId: 't-1',
  categoryId: 'health',
}
const categories = ['health', 'travel', 'dining', 'income', 'other', 'shopping', 'groceries']

function amountsOf(total: bigint, ...amounts: readonly (bigint | null)[]): readonly bigint[] {
  const parts = amounts.map((amount, n) => [categories[n] ?? '', amount] as const)
  const event = given(opened, recorded({ amountMinor: total }))
    .when(splitInto(...parts))
    .event()
  if (event.body.type !== 'TransactionSplit') throw new Error(event.body.type)
  return event.body.after.parts.map(({ amountMinor }) => amountMinor)
}

describe('a split', () => {
  test('has what the transaction counts for, before and after', () => {
    given(opened, groceries)
      .when(intoTwo)
      .expectEvent(
        {
          type: 'TransactionSplit',
          transactionId: 't-1',
          accountId: 'a-1',
          currency: 'NOK',
          before: booking({}),
          after: booking({ parts: twoParts }),
        },
        null,
      )
      .expectState('transaction', 't-1', { booking: booking({ parts: twoParts }) })
      .expectState('account', 'a-1', { balanceMinor: -12_550n })
  })

  test('gives what is left to parts without an amount, odd units one each to the first', () => {
    expect(amountsOf(-12_550n, -50n, null)).toEqual([-50n, -12_500n])
    expect(amountsOf(-100n, null, null, null)).toEqual([-34n, -33n, -33n])
    expect(amountsOf(-101n, null, null, null)).toEqual([-34n, -34n, -33n])
    expect(amountsOf(100n, null, 1n, null)).toEqual([50n, 1n, 49n])
    expect(amountsOf(-(10n ** 15n), null, null)).toEqual([-5n * 10n ** 14n, -5n * 10n ** 14n])
  })

  test('has the exact sum and the sign of the whole, whatever the amount and the shares', () => {
    const total = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })
    const shares = fc.integer({ min: 2, max: categories.length })
    fc.assert(
      fc.property(total, shares, fc.nat(), (amount, count, given) => {
        const size = amount < 0n ? -amount : amount
        fc.pre(size >= 2n * BigInt(count))
        const first = (amount / BigInt(count)) * BigInt(given % 2) || null
        const amounts = amountsOf(amount, first, ...Array.from({ length: count - 1 }, () => null))
        expect(amounts.reduce((sum, part) => sum + part, 0n)).toBe(amount)
        expect(amounts.every((part) => part !== 0n && part > 0n === amount > 0n)).toBe(true)
        const shared = first === null ? amounts : amounts.slice(1)
        const [least, most] = [shared.at(-1) ?? 0n, shared[0] ?? 0n]
        expect(most - least === 0n || most - least === (amount > 0n ? 1n : -1n)).toBe(true)
      }),
    )
  })

  test('of amounts that do not sum to the whole is refused, one minor unit off too', () => {
    for (const last of [-9_999n, -10_001n])
      given(opened, groceries)
        .when(splitInto(['health', -2_550n], ['travel', last]))
        .expectRejected('split-sum-mismatch', 'parts')
  })

  test('has no part of zero, and none against the sign of the whole', () => {
    const purchase = given(opened, groceries)
    purchase
      .when(splitInto(['health', 0n], ['travel', null]))
      .expectRejected('amount-zero', 'parts.0.amountMinor')
    purchase
      .when(splitInto(['health', -12_550n], ['travel', null]))
      .expectRejected('amount-zero', 'parts.1.amountMinor')
    purchase
      .when(splitInto(['health', 1n], ['travel', -12_551n]))
      .expectRejected('split-sign-mismatch', 'parts.0.amountMinor')
    purchase
      .when(splitInto(['health', -12_551n], ['travel', null]))
      .expectRejected('split-sign-mismatch', 'parts.1.amountMinor')
    given(opened, recorded({ amountMinor: 1n }))
      .when(splitInto(['health', null], ['travel', null]))
      .expectRejected('amount-zero', 'parts.1.amountMinor')
  })

  test('has 2 to 50 parts, each in a category of its own that exists', () => {
    const own = Array.from({ length: 51 }, (_, n) => created(`c-${n}`, `Name ${n}`))
    const parts = own.map(({ categoryId }) => [categoryId, null] as const)
    const purchase = given(opened, groceries, ...own)
    purchase.when(splitInto(...parts.slice(0, 50))).expectEvent({ type: 'TransactionSplit' })
    purchase.when(splitInto(...parts)).expectRejected('parts-out-of-range', 'parts')
    purchase.when(splitInto(['health', null])).expectRejected('parts-out-of-range', 'parts')
    purchase
      .when(splitInto(['health', null], ['travel', -1n], ['health', -1n]))
      .expectRejected('category-repeated', 'parts.2.categoryId')
    purchase
      .when(splitInto(['health', null], ['c-99', -1n]))
      .expectRejected('category-unknown', 'parts.1.categoryId')
  })

  test('is replaced by another and undone by none, but not by the same', () => {
    given(opened, groceries, intoTwo).when(intoTwo).expectRejected('nothing-to-change', 'parts')
    given(opened, groceries, intoTwo)
      .when(splitInto(['health', null], ['travel', -10_000n]))
      .expectRejected('nothing-to-change', 'parts')
    given(opened, groceries, intoTwo)
      .when(splitInto())
      .expectEvent({
        type: 'TransactionSplit',
        before: booking({ parts: twoParts }),
        after: booking({}),
      })
    given(opened, groceries).when(splitInto()).expectRejected('nothing-to-change', 'parts')
  })

  test('keeps the amount and the category of its transaction until it is undone', () => {
    const split = given(opened, groceries, intoTwo)
    split.when(amended({ amountMinor: -1n })).expectRejected('transaction-split', 'transactionId')
    split.when(intoHealth).expectRejected('transaction-split', 'transactionId')
    split
      .when(amended({ amountMinor: -12_550n, note: 'x' }))
      .expectEvent({ type: 'TransactionUpdated', after: booking({ parts: twoParts }) })
    split
      .when(deleted)
      .expectEvent({ type: 'TransactionDeleted', before: booking({ parts: twoParts }) })
    given(opened, groceries, intoTwo, splitInto())
      .when(intoHealth)
      .expectEvent({ type: 'TransactionCategoryOverridden' })
  })

  test('uses the categories of its parts and that of the whole', () => {
    const own = [created('c-1', 'Pets'), created('c-2', 'Boats')]
    const whole = recorded({ categoryId: 'c-1' })
    const split = [opened, ...own, whole, splitInto(['c-2', null], ['health', null])]
    const removed = (categoryId: string): LedgerCommandBody => {
      return { type: 'DeleteCategory', categoryId }
    }
    for (const id of ['c-1', 'c-2'])
      given(...split)
        .when(removed(id))
        .expectRejected('category-in-use', 'categoryId')
    given(...split, splitInto())
      .when(removed('c-1'))
      .expectRejected('category-in-use')
    given(...split, splitInto())
      .when(removed('c-2'))
      .expectEvent({ type: 'CategoryDeleted' })
    for (const id of ['c-1', 'c-2'])
      given(...split, deleted)
        .when(removed(id))
        .expectEvent({ type: 'CategoryDeleted' })
  })

  test('that is sent twice is a duplicate', () => {
    const commandId = commandIdOf(900)
    given(opened, groceries, sent(intoTwo, { commandId }))
      .when(intoTwo, { commandId })
      .expectDuplicate()
  })
})
