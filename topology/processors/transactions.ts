import { textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking } from '../../schemas/types.ts'
import { partsColumn } from './parts-column.ts'
import { existing, type RowProcessor } from './processor.ts'

type TransactionRow = {
  readonly user_id: string
  readonly transaction_id: string
  readonly account_id: string
  readonly amount_minor: bigint
  readonly currency: string
  readonly booked_on: number
  readonly occurred_at: number
  readonly description: string | null
  readonly merchant: string | null
  readonly counterparty: string | null
  readonly note: string | null
  readonly category_id: string
  readonly category_source: string
  readonly confidence: number
  readonly needs_review: boolean
  readonly source: string
  readonly created_at: number
  readonly updated_at: number
  readonly version: number
  readonly kind: string
  readonly linked_transaction_id: string | null
  readonly parts: string | null
  readonly part_category_ids: readonly string[] | null
  readonly status: string
  readonly first_category_id: string
  readonly first_category_source: string
}

/** Below it a person should look (the requirements' third limit, beside 0.60 and 0.85 that choose the category). */
const REVIEW_BELOW = 0.7

/**
 * Every transaction as last amended. Both sides of a transfer are rows that name each other; an adjustment is a row like
 * any other, with its kind. A split has its parts beside the category of the whole, which then counts for nothing. A
 * deleted one stays as it was last, with the status `deleted`: whoever lists or adds up leaves it out.
 */
export const transactions: RowProcessor<OpenedEvent, TransactionRow> = {
  kind: 'rows',
  name: 'transactions',
  table: 'transactions',
  keyOf({ userId, body }) {
    switch (body.type) {
      case 'TransactionCreated':
      case 'TransactionUpdated':
      case 'TransactionDeleted':
      case 'TransactionCategoryOverridden':
      case 'TransactionSplit':
        return { user_id: userId, transaction_id: body.transactionId }
      default:
        return undefined
    }
  },
  begins: ({ body }) => body.type === 'TransactionCreated',
  step(row, event) {
    const { body, personal, recordedAt, version } = event
    switch (body.type) {
      case 'TransactionCreated':
        return {
          user_id: event.userId,
          transaction_id: body.transactionId,
          account_id: body.accountId,
          amount_minor: body.amountMinor,
          currency: body.currency,
          booked_on: body.bookedOn,
          occurred_at: event.occurredAt,
          description: textOf(personal, 'description'),
          merchant: textOf(personal, 'merchant'),
          counterparty: textOf(personal, 'counterparty'),
          note: textOf(personal, 'note'),
          category_id: body.categoryId,
          category_source: body.categorySource,
          // The column keeps four decimals.
          confidence: Math.round(body.confidence * 10_000) / 10_000,
          needs_review: body.confidence < REVIEW_BELOW,
          source: body.source,
          created_at: recordedAt,
          updated_at: recordedAt,
          version,
          kind: body.kind,
          linked_transaction_id: body.linkedTransactionId,
          parts: null,
          part_category_ids: null,
          status: 'recorded',
          first_category_id: body.categoryId,
          first_category_source: body.categorySource,
        }
      case 'TransactionUpdated':
        return {
          ...existing(row, event),
          ...(body.after.categoryId === body.before.categoryId
            ? {}
            : chosenByUser(body.after.categoryId)),
          description: textOf(personal, 'description'),
          merchant: textOf(personal, 'merchant'),
          counterparty: textOf(personal, 'counterparty'),
          note: textOf(personal, 'note'),
          amount_minor: body.after.amountMinor,
          booked_on: body.after.bookedOn,
          occurred_at: event.occurredAt,
          updated_at: recordedAt,
          version,
        }
      case 'TransactionCategoryOverridden':
        return {
          ...existing(row, event),
          ...chosenByUser(body.categoryId),
          updated_at: recordedAt,
          version,
        }
      // A person chose the parts, so nobody has to look again.
      case 'TransactionSplit':
        return {
          ...existing(row, event),
          ...partsOf(body.after.parts),
          needs_review: false,
          updated_at: recordedAt,
          version,
        }
      case 'TransactionDeleted':
        return {
          ...existing(row, event),
          status: 'deleted',
          needs_review: false,
          updated_at: recordedAt,
          version,
        }
      default:
        return row
    }
  },
}

function chosenByUser(categoryId: string) {
  return { category_id: categoryId, category_source: 'user', confidence: 1, needs_review: false }
}

function partsOf(parts: Booking['parts']): Pick<TransactionRow, 'parts' | 'part_category_ids'> {
  return {
    parts: partsColumn(parts),
    part_category_ids: parts.length === 0 ? null : parts.map(({ categoryId }) => categoryId),
  }
}
