import { eventCodec } from '../schemas/codec.ts'
import type { LedgerEvent } from '../schemas/types.ts'
import type { Statement } from './queries-connection.ts'

export type AggregateName = { readonly type: string; readonly id: string }

export type EventPage = { readonly fromVersion: number; readonly limit: number }

/**
 * Oldest first. Events of transactions are in no index of aggregates, which would be paid for by every one of them: the
 * history of the transaction holds their keys.
 */
export function aggregateEventsStatement(
  userId: string,
  { type, id }: AggregateName,
  { fromVersion, limit }: EventPage,
): Statement {
  if (type === 'transaction') {
    return {
      text: `SELECT e.event
               FROM own_transaction_events t
               JOIN own_events e ON e.user_id = t.user_id AND e.sequence = t.sequence AND e.recorded_at = t.recorded_at
              WHERE t.user_id = $1 AND t.transaction_id = $2 AND t.version >= $3
                AND t.recorded_at >= (SELECT created_at FROM transactions WHERE user_id = $1 AND transaction_id = $2)
              ORDER BY t.version
              LIMIT $4`,
      values: [userId, id, fromVersion, limit],
    }
  }
  return {
    // The literal is the condition of the index.
    text: `SELECT event
             FROM own_events
            WHERE user_id = $1 AND aggregate_id = $2 AND version >= $3 AND aggregate_type <> 'transaction'
              AND aggregate_type = $5
            ORDER BY version
            LIMIT $4`,
    values: [userId, id, fromVersion, limit, type],
  }
}

export type EventRow = { readonly event: Buffer }

/** As it is in the log, its texts sealed. Throws SALDO_RECORD_UNREADABLE for one of a newer release. */
export function eventOf(row: EventRow): LedgerEvent {
  return eventCodec.decode(row.event)
}
