import type { Statement } from './queries-connection.ts'
import { partsOf, type Transaction, type TransactionPart } from './queries-transactions.ts'

/** A transaction as one of its events left it; its texts are sealed. */
export type TransactionVersion = {
  readonly version: number
  /** What happened: `created`, `categorized`, `updated` or `deleted`. */
  readonly type: string
  readonly eventId: string
  readonly amountMinor: bigint
  readonly currency: string
  readonly bookedOn: string
  readonly categoryId: string
  /** Null where the event did not change the category. */
  readonly categorySource: string | null
  readonly confidence: number | null
  readonly parts: readonly TransactionPart[]
  readonly occurredAt: number
  readonly recordedAt: number
  readonly initiator: string
}

export type TransactionSpan = Pick<Transaction, 'transactionId' | 'createdAt' | 'updatedAt'>

/** Oldest first, up to what the transaction is now; its times leave out the chunks of all others. */
export function historyStatement(
  userId: string,
  { transactionId, createdAt, updatedAt }: TransactionSpan,
  limit: number,
): Statement {
  return {
    text: `SELECT version, type, event_id, amount_minor, currency, booked_on, category_id, category_source, confidence,
                  parts, occurred_at, recorded_at, initiator_kind
             FROM own_transaction_events
            WHERE user_id = $1 AND transaction_id = $2 AND recorded_at BETWEEN $4 AND $5
            ORDER BY version
            LIMIT $3`,
    values: [userId, transactionId, limit, new Date(createdAt), new Date(updatedAt)],
  }
}

export type HistoryRow = {
  readonly version: bigint
  readonly type: string
  readonly event_id: string
  readonly amount_minor: string
  readonly currency: string
  readonly booked_on: string
  readonly category_id: string
  readonly category_source: string | null
  readonly confidence: string | null
  readonly parts: readonly { readonly categoryId: string; readonly amountMinor: string }[] | null
  readonly occurred_at: Date
  readonly recorded_at: Date
  readonly initiator_kind: string
}

export function transactionVersionOf(row: HistoryRow): TransactionVersion {
  return {
    version: Number(row.version),
    type: row.type,
    eventId: row.event_id,
    amountMinor: BigInt(row.amount_minor),
    currency: row.currency,
    bookedOn: row.booked_on,
    categoryId: row.category_id,
    categorySource: row.category_source,
    confidence: row.confidence === null ? null : Number(row.confidence),
    parts: partsOf(row.parts),
    occurredAt: row.occurred_at.getTime(),
    recordedAt: row.recorded_at.getTime(),
    initiator: row.initiator_kind,
  }
}
