import { categorizedTransactionCodec } from '../../schemas/codec.ts'
import type { Booking, CategorizedTransaction, LedgerEvent } from '../../schemas/types.ts'
import { stream } from './stream.ts'

/** What every transaction counts for: when it is created, and each time that its category or its parts change. */
export const transactionsCategorized = stream({
  name: 'transactions-categorized',
  topic: 'transactions.categorized',
  codec: categorizedTransactionCodec,
  step: categorizedTransaction,
})

/** Until a categoriser chooses again later, every change after the first is the user's. */
const BY_USER = {
  confidence: 1,
  categorySource: 'user',
  alternatives: [],
  modelVersion: null,
} as const

export function categorizedTransaction(event: LedgerEvent): CategorizedTransaction | undefined {
  const { body } = event
  switch (body.type) {
    case 'TransactionCreated': {
      const { confidence, categorySource, alternatives, modelVersion } = body
      const choice = { confidence, categorySource, alternatives, modelVersion }
      return { ...placeOf(event, body), ...countsFor({ ...body, parts: [] }, null), ...choice }
    }
    case 'TransactionCategoryOverridden': {
      const { before, categoryId } = body
      const after = { ...before, categoryId }
      return { ...placeOf(event, body), ...countsFor(after, before.categoryId), ...BY_USER }
    }
    case 'TransactionUpdated':
    case 'TransactionSplit': {
      const { before, after } = body
      if (after.categoryId === before.categoryId && sameParts(before, after)) return undefined
      return { ...placeOf(event, body), ...countsFor(after, before.categoryId), ...BY_USER }
    }
    default:
      return undefined
  }
}

function placeOf(
  { eventId, userId, sequence, version, recordedAt }: LedgerEvent,
  {
    transactionId,
    accountId,
    currency,
  }: Pick<CategorizedTransaction, 'transactionId' | 'accountId' | 'currency'>,
) {
  const ids = { transactionId, accountId, currency }
  return { eventId, userId, sequence, version, recordedAt, ...ids }
}

function countsFor(
  { amountMinor, bookedOn, categoryId, parts }: Omit<Booking, 'kind'>,
  previousCategoryId: string | null,
) {
  return { amountMinor, bookedOn, previousCategoryId, categoryId, parts }
}

function sameParts({ parts: before }: Booking, { parts: after }: Booking): boolean {
  return (
    before.length === after.length &&
    before.every(
      ({ categoryId, amountMinor }, index) =>
        after[index]?.categoryId === categoryId && after[index].amountMinor === amountMinor,
    )
  )
}
