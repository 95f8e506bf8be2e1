import { describe, expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import { categorizedTransaction } from '../../../topology/streams/transactions-categorized.ts'
import { createdTransaction } from '../../../topology/streams/transactions-created.ts'
import {
  amended,
  deleted,
  groceries,
  opened,
  openedIn,
  recorded,
  reconciled,
  respent,
  spent,
  splitInto,
  transferred,
} from '../../support/example-commands.ts'
import { storedEventsOf } from '../../support/sourced-events.ts'

const override = (categoryId: string) =>
  ({ type: 'OverrideCategory', transactionId: 't-1', categoryId }) as const

describe('transactions.created', () => {
  const createdOf = (...bodies: LedgerCommandBody[]) =>
    storedEventsOf(...bodies)
      .map(createdTransaction)
      .filter((record) => record !== undefined)

  test('has one record for each new transaction, and none for what becomes of it', () => {
    const history = [
      opened,
      openedIn('NOK', 'a-2'),
      groceries,
      amended({ amountMinor: -900n }),
      override('health'),
      splitInto(['health', null], ['travel', null]),
      splitInto(),
      transferred({}),
      reconciled({ statementMinor: -5n, adjustmentId: 't-9' }),
      spent({}),
      deleted,
    ]
    expect(createdOf(...history).map(({ transactionId, kind }) => [transactionId, kind])).toEqual([
      ['t-1', 'ordinary'],
      ['from', 'transfer'],
      ['to', 'transfer'],
      ['t-9', 'adjustment'],
      ['e-1', 'expense'],
    ])
  })

  test('says of a transaction what its event says, with its texts sealed as they were', () => {
    const [, event] = storedEventsOf(opened, recorded({ mcc: '5411' }))
    if (event?.body.type !== 'TransactionCreated') throw new Error('an account, a transaction')
    const { body, eventId, userId, sequence, version, recordedAt, occurredAt, personal } = event
    expect(createdTransaction(event)).toEqual({
      eventId,
      userId,
      sequence,
      version,
      recordedAt,
      occurredAt,
      personal,
      transactionId: 't-1',
      accountId: 'a-1',
      kind: 'ordinary',
      amountMinor: -12_550n,
      currency: 'NOK',
      bookedOn: body.bookedOn,
      source: 'manual',
      categoryId: body.categoryId,
      mcc: '5411',
      linkedTransactionId: null,
    })
    expect(personal?.length).toBeGreaterThan(0)
  })
})

describe('transactions.categorized', () => {
  const categorizedOf = (...bodies: LedgerCommandBody[]) =>
    storedEventsOf(opened, ...bodies)
      .map(categorizedTransaction)
      .filter((record) => record !== undefined)

  test('begins with what the categoriser chose, and how sure it is', () => {
    const [, event] = storedEventsOf(opened, groceries)
    if (event?.body.type !== 'TransactionCreated') throw new Error('an account, a transaction')
    const { body, eventId, userId, sequence, version, recordedAt } = event
    const { confidence, categorySource, alternatives, modelVersion, bookedOn, categoryId } = body
    expect(categorizedTransaction(event)).toEqual({
      eventId,
      userId,
      sequence,
      version,
      recordedAt,
      confidence,
      categorySource,
      alternatives,
      modelVersion,
      bookedOn,
      categoryId,
      transactionId: 't-1',
      accountId: 'a-1',
      amountMinor: -12_550n,
      currency: 'NOK',
      previousCategoryId: null,
      parts: [],
    })
  })

  test('follows the user, who is sure and needs no alternatives; the same choice again is a confirmation', () => {
    const [first, ...later] = categorizedOf(groceries, override('health'), override('health'))
    const choice = {
      categoryId: 'health',
      confidence: 1,
      categorySource: 'user',
      alternatives: [],
      modelVersion: null,
    }
    expect(later).toMatchObject([
      { ...choice, previousCategoryId: first?.categoryId, version: 2 },
      { ...choice, previousCategoryId: 'health', version: 3 },
    ])
  })

  test('names the parts of a split, and none when it is undone', () => {
    const split = splitInto(['health', -12_000n], ['travel', null])
    const records = categorizedOf(groceries, split, splitInto())
    expect(records.map(({ parts }) => parts)).toEqual([
      [],
      [
        { categoryId: 'health', amountMinor: -12_000n },
        { categoryId: 'travel', amountMinor: -550n },
      ],
      [],
    ])
  })

  test('says nothing of a correction that keeps the category, nor of a deletion', () => {
    const kept = [amended({ amountMinor: -1n }), amended({ description: 'another' }), deleted]
    expect(categorizedOf(groceries, ...kept)).toHaveLength(1)
  })

  test('follows a correction that changes the category, as one of an expense can', () => {
    const dining = respent({ categoryId: 'dining' })
    expect(categorizedOf(spent({}), dining).map(({ categoryId }) => categoryId)).toEqual([
      'groceries',
      'dining',
    ])
  })
})
