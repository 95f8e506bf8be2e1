import { expect, test } from 'vitest'
import { eventToJson, outcomeToJson } from '../../connectors/answer-json.ts'
import { personalOf, type OpenedEvent } from '../../schemas/opened-event.ts'

const NOON = Date.UTC(2026, 0, 5, 12)

const updated: OpenedEvent = {
  eventId: 'e',
  userId: 'u',
  sequence: 2,
  aggregateType: 'transaction',
  aggregateId: 't',
  version: 2,
  occurredAt: NOON,
  recordedAt: NOON + 1,
  commandId: 'c',
  initiator: { kind: 'user', id: 'u' },
  previousHash: Buffer.from('0aff', 'hex'),
  personal: personalOf({ note: 'new', previousNote: 'old' }),
  body: {
    type: 'TransactionUpdated',
    transactionId: 't',
    accountId: 'a',
    currency: 'TND',
    before: {
      amountMinor: -1n,
      bookedOn: 20_457,
      categoryId: 'other',
      parts: [],
      kind: 'ordinary',
    },
    after: {
      amountMinor: -1_234_567n,
      bookedOn: 20_458,
      categoryId: 'other',
      parts: [{ categoryId: 'health', amountMinor: -1n }],
      kind: 'ordinary',
    },
    previousOccurredAt: NOON - 86_400_000,
  },
}

test('an event shows amounts as decimals of its currency, dates as ISO, bytes as hex and its texts', () => {
  expect(JSON.parse(JSON.stringify(eventToJson(updated)))).toEqual({
    eventId: 'e',
    userId: 'u',
    sequence: 2,
    aggregateType: 'transaction',
    aggregateId: 't',
    version: 2,
    occurredAt: '2026-01-05T12:00:00.000Z',
    recordedAt: '2026-01-05T12:00:00.001Z',
    commandId: 'c',
    initiator: { kind: 'user', id: 'u' },
    previousHash: '0aff',
    personal: { note: 'new', previousNote: 'old' },
    body: {
      type: 'TransactionUpdated',
      transactionId: 't',
      accountId: 'a',
      currency: 'TND',
      before: {
        amount: '-0.001',
        bookedOn: '2026-01-04',
        categoryId: 'other',
        parts: [],
        kind: 'ordinary',
      },
      after: {
        amount: '-1234.567',
        bookedOn: '2026-01-05',
        categoryId: 'other',
        parts: [{ categoryId: 'health', amount: '-0.001' }],
        kind: 'ordinary',
      },
      previousOccurredAt: '2026-01-04T12:00:00.000Z',
    },
  })
})

test('a budget shows its amount in its own currency and its month as a month', () => {
  const after = {
    categoryId: 'health',
    currency: 'JPY',
    month: 674,
    amountMinor: 5n,
    thresholds: [80],
  }
  const body = { type: 'BudgetSet', budgetId: 'b', before: null, after } as const
  expect(eventToJson({ ...updated, body })['body']).toEqual({
    type: 'BudgetSet',
    budgetId: 'b',
    before: null,
    after: {
      categoryId: 'health',
      currency: 'JPY',
      month: '2026-03',
      amount: '5',
      thresholds: [80],
    },
  })
})

test('a reconciliation shows every amount in the currency of its account', () => {
  const body = {
    type: 'AccountReconciled',
    accountId: 'a',
    currency: 'NOK',
    statementOn: 20_457,
    statementMinor: 100n,
    balanceMinor: -50n,
    differenceMinor: 150n,
    adjustmentId: null,
  } as const
  expect(eventToJson({ ...updated, body })['body']).toEqual({
    type: 'AccountReconciled',
    accountId: 'a',
    currency: 'NOK',
    statementOn: '2026-01-04',
    statement: '1.00',
    balance: '-0.50',
    difference: '1.50',
    adjustmentId: null,
  })
})

test('an event whose key is gone says so', () => {
  expect(eventToJson({ ...updated, personal: 'not-readable' })).toMatchObject({
    personal: 'not-readable',
  })
  expect(eventToJson({ ...updated, personal: null })).toMatchObject({ personal: null })
})

test('a created transaction keeps its candidates and its hash', () => {
  const created = eventToJson({
    ...updated,
    body: {
      type: 'TransactionCreated',
      transactionId: 't',
      accountId: 'a',
      amountMinor: -500n,
      currency: 'JPY',
      bookedOn: 0,
      source: 'import',
      categoryId: 'groceries',
      confidence: 0.5,
      categorySource: 'rule',
      alternatives: [{ categoryId: 'other', confidence: 0.25 }],
      modelVersion: '1',
      mcc: null,
      contentHash: Buffer.from('01', 'hex'),
      kind: 'ordinary',
      linkedTransactionId: null,
    },
  })
  expect(created['body']).toMatchObject({
    amount: '-500',
    bookedOn: '1970-01-01',
    alternatives: [{ categoryId: 'other', confidence: 0.25 }],
    mcc: null,
    contentHash: '01',
  })
})

test('an outcome shows when it was recorded as ISO 8601', () => {
  const outcome = {
    commandId: 'c',
    userId: 'u',
    verdict: 'rejected',
    recordedAt: NOON,
    commandPartition: 1,
    commandOffset: 7,
    aggregateType: 'transaction',
    aggregateId: 't',
    version: null,
    eventIds: [],
    firstSequence: null,
    path: 'amountMinor',
    code: 'amount-zero',
    sentence: 'a transaction moves an amount other than zero',
  } as const
  expect(outcomeToJson(outcome)).toEqual({ ...outcome, recordedAt: '2026-01-05T12:00:00.000Z' })
})
