import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking } from '../../schemas/types.ts'
import { partsColumn } from './parts-column.ts'
import type { ArchiveProcessor, Row } from './processor.ts'

/** What an event says about a transaction from now on; of a deleted one, what it was. */
type Said = {
  readonly type: 'created' | 'categorized' | 'updated' | 'deleted'
  readonly accountId: string
  readonly transactionId: string
  readonly currency: string
  readonly booking: Booking
  /** How sure the category is and who chose it, where the event says so. */
  readonly category?: { readonly source: string; readonly confidence: number }
}

const CHOSEN_BY_USER = { source: 'user', confidence: 1 }

/**
 * The history of every transaction, one row per event, in the order of `version`. Each side of a transfer has its own.
 * A split is `categorized`, with its parts. Texts and what the bank sent are in `personal`, sealed with the user's key
 * as they are in the log (additional data: user id | event id), so a row is never rewritten, not even for erasure.
 *
 * `recorded_at` of the first and the last row are `created_at` and `updated_at` of the row in `transactions`: whoever
 * looks between them leaves out the chunks of all other times.
 */
export const transactionEvents: ArchiveProcessor<OpenedEvent> = {
  kind: 'archive',
  name: 'transaction-events',
  table: 'transaction_events',
  row: ({ item }) => {
    const said = saidBy(item)
    return said === undefined ? undefined : rowOf(item, said)
  },
}

function saidBy({ body }: OpenedEvent): Said | undefined {
  switch (body.type) {
    case 'TransactionCreated': {
      const category = { source: body.categorySource, confidence: body.confidence }
      return { ...placeOf(body), type: 'created', booking: { ...body, parts: [] }, category }
    }
    case 'TransactionUpdated': {
      const { before, after } = body
      const chosen = before.categoryId === after.categoryId ? {} : { category: CHOSEN_BY_USER }
      return { ...placeOf(body), type: 'updated', booking: after, ...chosen }
    }
    case 'TransactionCategoryOverridden': {
      const booking = { ...body.before, categoryId: body.categoryId }
      return { ...placeOf(body), type: 'categorized', booking, category: CHOSEN_BY_USER }
    }
    case 'TransactionSplit':
      return { ...placeOf(body), type: 'categorized', booking: body.after }
    case 'TransactionDeleted':
      return { ...placeOf(body), type: 'deleted', booking: body.before }
    default:
      return undefined
  }
}

type Place = Pick<Said, 'transactionId' | 'accountId' | 'currency'>

function placeOf({ transactionId, accountId, currency }: Place): Place {
  return { transactionId, accountId, currency }
}

function rowOf(event: OpenedEvent, { booking, category, ...said }: Said): Row {
  return {
    user_id: event.userId,
    transaction_id: said.transactionId,
    version: event.version,
    event_id: event.eventId,
    sequence: event.sequence,
    type: said.type,
    account_id: said.accountId,
    kind: booking.kind,
    amount_minor: booking.amountMinor,
    currency: said.currency,
    booked_on: booking.bookedOn,
    category_id: booking.categoryId,
    category_source: category?.source ?? null,
    // The column keeps four decimals.
    confidence: category === undefined ? null : Math.round(category.confidence * 10_000) / 10_000,
    parts: partsColumn(booking.parts),
    occurred_at: event.occurredAt,
    recorded_at: event.recordedAt,
    initiator_kind: event.initiator.kind,
    personal: event.sealed ?? null,
  }
}
