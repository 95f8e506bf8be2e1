/** Rows as several routes show them: money as a text with its decimals, times in ISO 8601. */
import { isoDateOf } from '../../schemas/dates.ts'
import { formatMinor } from '../../schemas/money.ts'
import type { LedgerEvent } from '../../schemas/types.ts'
import type { Account } from '../../sink/queries-accounts.ts'
import type { Spent } from '../../sink/queries-analytics.ts'
import type { TransactionVersion } from '../../sink/queries-history.ts'
import type { Transaction, TransactionPart } from '../../sink/queries-transactions.ts'
import { isoTime } from './iso-time.ts'

export function accountAnswer(account: Account) {
  const { balanceMinor, openedAt, updatedAt, ...rest } = account
  return {
    ...rest,
    balance: formatMinor(balanceMinor, account.currency),
    openedAt: isoTime(openedAt),
    updatedAt: isoTime(updatedAt),
  }
}

export function transactionVersionAnswer(version: TransactionVersion) {
  const { amountMinor, parts, occurredAt, recordedAt, ...rest } = version
  return {
    ...rest,
    amount: formatMinor(amountMinor, version.currency),
    parts: partsAnswer(parts, version.currency),
    occurredAt: isoTime(occurredAt),
    recordedAt: isoTime(recordedAt),
  }
}

function partsAnswer(parts: readonly TransactionPart[], currency: string) {
  return parts.map(({ categoryId, amountMinor }) => {
    return { categoryId, amount: formatMinor(amountMinor, currency) }
  })
}

export function transactionAnswer(transaction: Transaction) {
  const { currency } = transaction
  return {
    transactionId: transaction.transactionId,
    accountId: transaction.accountId,
    amount: formatMinor(transaction.amountMinor, currency),
    currency,
    bookedOn: transaction.bookedOn,
    occurredAt: isoTime(transaction.occurredAt),
    description: transaction.description,
    merchant: transaction.merchant,
    counterparty: transaction.counterparty,
    note: transaction.note,
    categoryId: transaction.categoryId,
    categorySource: transaction.categorySource,
    confidence: transaction.confidence,
    needsReview: transaction.needsReview,
    source: transaction.source,
    kind: transaction.kind,
    linkedTransactionId: transaction.linkedTransactionId,
    parts: partsAnswer(transaction.parts, currency),
    status: transaction.status,
    createdAt: isoTime(transaction.createdAt),
    updatedAt: isoTime(transaction.updatedAt),
    version: transaction.version,
  }
}

export function spentAnswer<Sum extends Spent>({ totalMinor, ...rest }: Sum) {
  return { ...rest, amount: formatMinor(totalMinor, rest.currency) }
}

/** The facts of an event without its texts, which only who holds the keys can open, and without what is internal to the engine. */
export function eventAnswer(event: LedgerEvent) {
  const { type, ...facts } = event.body
  return {
    eventId: event.eventId,
    type,
    aggregateType: event.aggregateType,
    aggregateId: event.aggregateId,
    version: event.version,
    sequence: event.sequence,
    occurredAt: isoTime(event.occurredAt),
    recordedAt: isoTime(event.recordedAt),
    commandId: event.commandId,
    initiator: event.initiator.kind,
    body: plain(facts),
  }
}

/**
 * Names say what a number is: `…Minor` an amount, in the currency beside or above it, `…On` a date, `…At` a time. Bytes
 * are keyed hashes, of no use to a reader.
 */
function plain(facts: object, outer?: string): object {
  const currency = 'currency' in facts ? String(facts.currency) : outer
  const entries = Object.entries(facts).filter(([, value]) => !Buffer.isBuffer(value))
  return Object.fromEntries(
    entries.map(([name, value]: [string, unknown]) => {
      if (typeof value === 'bigint' && name.endsWith('Minor') && currency !== undefined) {
        return [name.slice(0, -'Minor'.length), formatMinor(value, currency)]
      }
      return [name, plainValue(name, value, currency)]
    }),
  )
}

const TIMES = /(?:At|^from|^until)$/

function plainValue(name: string, value: unknown, currency: string | undefined): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && name.endsWith('On')) return isoDateOf(value)
  if (typeof value === 'number' && TIMES.test(name)) return isoTime(value)
  if (Array.isArray(value)) return value.map((item) => plainValue(name, item, currency))
  return typeof value === 'object' && value !== null ? plain(value, currency) : value
}
