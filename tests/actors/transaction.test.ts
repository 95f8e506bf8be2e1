import { describe, expect, test } from 'vitest'
import type { Transaction } from '../../actors/decider.ts'
import type { Rule } from '../../actors/rules.ts'
import type { TransactionCommand } from '../../actors/transaction/transaction.ts'
import { textOf } from '../../schemas/opened-event.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import {
  amended,
  booking,
  created,
  deleted,
  groceries,
  opened,
  openedIn,
  recorded,
  splitInto,
  transferred,
} from '../support/example-commands.ts'
import { given, NOW } from '../support/specification.ts'

const closed = { type: 'CloseAccount', accountId: 'a-1' } as const
const intoHealth = {
  type: 'OverrideCategory',
  transactionId: 't-1',
  categoryId: 'health',
} as const
const paidBack = recorded({ transactionId: 'back', amountMinor: 12_550n })

type Verdict = 'accepted' | 'duplicate' | Rule

const histories: { readonly [S in Transaction['status']]: readonly LedgerCommandBody[] } = {
  absent: [opened],
  recorded: [opened, groceries],
  deleted: [opened, groceries, deleted],
}
const commands: { readonly [C in TransactionCommand['type']]: LedgerCommandBody } = {
  RecordTransaction: groceries,
  AmendTransaction: amended({ note: 'other' }),
  DeleteTransaction: deleted,
  OverrideCategory: intoHealth,
  SplitTransaction: splitInto(['health', null], ['travel', null]),
  TransferMoney: transferred({ fromTransactionId: 't-1', toAccountId: 'a-9' }),
  DeleteTransfer: { type: 'DeleteTransfer', fromTransactionId: 't-1', toTransactionId: 't-9' },
}
/** What a transaction answers in each state: every cell is decided. */
const verdicts: Record<Transaction['status'], Record<TransactionCommand['type'], Verdict>> = {
  absent: {
    RecordTransaction: 'accepted',
    AmendTransaction: 'transaction-missing',
    DeleteTransaction: 'transaction-missing',
    OverrideCategory: 'transaction-missing',
    SplitTransaction: 'transaction-missing',
    TransferMoney: 'account-missing',
    DeleteTransfer: 'transaction-missing',
  },
  recorded: {
    RecordTransaction: 'duplicate',
    AmendTransaction: 'accepted',
    DeleteTransaction: 'accepted',
    OverrideCategory: 'accepted',
    SplitTransaction: 'accepted',
    TransferMoney: 'id-taken',
    DeleteTransfer: 'transaction-missing',
  },
  deleted: {
    RecordTransaction: 'duplicate',
    AmendTransaction: 'transaction-deleted',
    DeleteTransaction: 'transaction-deleted',
    OverrideCategory: 'transaction-deleted',
    SplitTransaction: 'transaction-deleted',
    TransferMoney: 'id-taken',
    DeleteTransfer: 'transaction-deleted',
  },
}

describe('a transaction', () => {
  test.each(
    Object.entries(verdicts).flatMap(([status, row]) =>
      Object.entries(row).map(([command, verdict]) => ({ status, command, verdict })),
    ),
  )('that is $status answers $command with $verdict', ({ status, command, verdict }) => {
    const { outcome } = given(...histories[status as Transaction['status']]).when(
      commands[command as TransactionCommand['type']],
    ).answer
    expect(outcome.code ?? outcome.verdict).toBe(verdict)
  })

  test('is recorded as it was given, with its texts in the sealed part', () => {
    const example = given(opened)
      .when(recorded({ mcc: '5411', rawData: '{"line":1}', source: 'import' }))
      .expectEvent(
        {
          type: 'TransactionCreated',
          transactionId: 't-1',
          accountId: 'a-1',
          amountMinor: -12_550n,
          currency: 'NOK',
          source: 'import',
          mcc: '5411',
        },
        {
          description: 'corner shop 42',
          counterparty: 'A neighbour',
          note: 'for the party',
          rawData: '{"line":1}',
        },
      )
    expect(example.event().occurredAt).toBe(NOW)
  })

  test('is on an account that exists, is open and has its currency', () => {
    given().when(groceries).expectRejected('account-missing', 'accountId')
    given(opened, closed).when(groceries).expectRejected('account-closed', 'accountId')
    given(openedIn('EUR')).when(groceries).expectRejected('currency-mismatch', 'currency')
  })

  test('moves an amount between one minor unit and 10^15, either way', () => {
    const limit = 10n ** 15n
    for (const amountMinor of [1n, -1n, limit, -limit]) {
      given(opened)
        .when(recorded({ amountMinor }))
        .expectEvent({ type: 'TransactionCreated', amountMinor })
    }
    given(opened)
      .when(recorded({ amountMinor: 0n }))
      .expectRejected('amount-zero', 'amountMinor')
    for (const amountMinor of [limit + 1n, -limit - 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      given(opened)
        .when(recorded({ amountMinor }))
        .expectRejected('amount-over-limit', 'amountMinor')
      given(opened, groceries).when(amended({ amountMinor })).expectRejected('amount-over-limit')
    }
    given(opened, groceries)
      .when(amended({ amountMinor: 0n }))
      .expectRejected('amount-zero')
  })

  test.each([
    ['description', 500],
    ['merchant', 200],
    ['counterparty', 200],
    ['note', 500],
    ['rawData', 20_000],
    ['mcc', 4],
  ] as const)('has a %s of at most %i code points without NUL', (field, limit) => {
    const longest = '😀'.repeat(limit)
    given(opened)
      .when(recorded({ [field]: longest }))
      .expectEvent({ type: 'TransactionCreated' })
    given(opened)
      .when(recorded({ [field]: `${longest}x` }))
      .expectRejected('text-too-long', field)
    given(opened)
      .when(recorded({ [field]: 'a\0b' }))
      .expectRejected('text-invalid', field)
    if (field === 'rawData' || field === 'mcc') return
    const recordedOnce = given(opened, groceries)
    recordedOnce.when(amended({ [field]: `${longest}x` })).expectRejected('text-too-long', field)
    recordedOnce.when(amended({ [field]: '\0' })).expectRejected('text-invalid', field)
  })

  test('is deleted with its old booking, and its account goes on', () => {
    given(opened, groceries)
      .when(deleted)
      .expectEvent({ type: 'TransactionDeleted', accountId: 'a-1', currency: 'NOK' }, null)
      .expectState('transaction', 't-1', { status: 'deleted' })
  })

  test('on a closed account is neither amended nor deleted, but may be put in a category', () => {
    const settled = given(opened, groceries, paidBack, closed)
    settled.when(deleted).expectRejected('account-closed', 'transactionId')
    settled.when(amended({ note: 'x' })).expectRejected('account-closed', 'transactionId')
    settled.when(intoHealth).expectEvent({ type: 'TransactionCategoryOverridden' })
  })
})

describe('the category of a transaction', () => {
  test("is the user's where one is given", () => {
    given(opened, created('c-1', 'Pets'))
      .when(recorded({ categoryId: 'c-1' }))
      .expectEvent({
        type: 'TransactionCreated',
        categoryId: 'c-1',
        categorySource: 'user',
        confidence: 1,
        alternatives: [],
      })
  })

  test('is what the categoriser says otherwise, in words that an event can carry', () => {
    given(opened)
      .when(recorded({ description: 'REMA 1000 Grunerlokka' }))
      .expectEvent({ type: 'TransactionCreated', categoryId: 'groceries', categorySource: 'rule' })
    given(opened)
      .when(recorded({ description: 'salary november', amountMinor: 4_500_000n }))
      .expectEvent({
        type: 'TransactionCreated',
        categoryId: 'income',
        categorySource: 'income_pattern',
      })
    given(opened)
      .when(recorded({ description: null }))
      .expectEvent({ type: 'TransactionCreated', categorySource: 'fallback', confidence: 0 })
  })

  test('exists and is in use', () => {
    given(opened)
      .when(recorded({ categoryId: 'c-1' }))
      .expectRejected('category-unknown', 'categoryId')
    given(opened, groceries)
      .when({ ...intoHealth, categoryId: 'c-1' })
      .expectRejected('category-unknown', 'categoryId')
    given(opened, groceries, created('c-1', 'Pets'), { type: 'DeleteCategory', categoryId: 'c-1' })
      .when({ ...intoHealth, categoryId: 'c-1' })
      .expectRejected('category-unknown', 'categoryId')
  })

  test('is overridden with its old booking beside the new category', () => {
    const { before } = { before: { amountMinor: -12_550n, categoryId: 'groceries' } }
    const example = given(opened, recorded({ categoryId: 'groceries' }))
      .when(intoHealth)
      .expectEvent({ type: 'TransactionCategoryOverridden', categoryId: 'health' }, null)
      .expectState('transaction', 't-1', { note: 'for the party' })
    expect(example.event().body).toMatchObject({ before })
  })

  test('may be confirmed: the same again is an event', () => {
    given(opened, groceries, intoHealth)
      .when(intoHealth)
      .expectEvent({ type: 'TransactionCategoryOverridden' })
  })
})

describe('an amendment', () => {
  test('keeps the fields that it does not name', () => {
    given(opened, recorded({ merchant: 'Corner', categoryId: 'health' }))
      .when(amended({ amountMinor: -1n }))
      .expectEvent(
        { type: 'TransactionUpdated', accountId: 'a-1', currency: 'NOK', previousOccurredAt: NOW },
        {
          description: 'corner shop 42',
          merchant: 'Corner',
          counterparty: 'A neighbour',
          note: 'for the party',
          previousNote: 'for the party',
        },
      )
      .expectState('transaction', 't-1', {
        booking: booking({ amountMinor: -1n, categoryId: 'health' }),
        occurredAt: NOW,
        description: 'corner shop 42',
        merchant: 'Corner',
        counterparty: 'A neighbour',
        note: 'for the party',
        firstSequence: 2,
      })
  })

  test('carries old and new texts', () => {
    given(opened, groceries)
      .when(amended({ note: '', counterparty: 'The shop' }))
      .expectEvent(
        { type: 'TransactionUpdated' },
        {
          note: '',
          previousNote: 'for the party',
          counterparty: 'The shop',
          previousCounterparty: 'A neighbour',
        },
      )
      .expectState('transaction', 't-1', { note: '' })
  })

  test('that changes nothing is refused', () => {
    const recordedOnce = given(opened, groceries)
    recordedOnce.when(amended({})).expectRejected('nothing-to-change', 'body')
    recordedOnce
      .when(amended({ amountMinor: -12_550n, occurredAt: NOW, note: 'for the party' }))
      .expectRejected('nothing-to-change', 'body')
  })

  test('of one text is possible after the longest description without a merchant', () => {
    for (const description of ['shop'.repeat(125), 'a '.repeat(250), '😀'.repeat(500)]) {
      given(opened, recorded({ description }))
        .when(amended({ note: 'x' }))
        .expectEvent({ type: 'TransactionUpdated' })
      const { personal } = given(opened).when(recorded({ description })).event()
      expect(Array.from(textOf(personal, 'merchant') ?? '').length).toBeLessThanOrEqual(200)
    }
  })
})
