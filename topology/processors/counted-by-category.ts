import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking } from '../../schemas/types.ts'

/** Which amounts a table of days and categories is about. */
export type Counts = (amountMinor: bigint) => boolean

/** Income does not reduce spending: only negative amounts count. */
export const isSpending: Counts = (amountMinor) => amountMinor < 0n

export type CategoryTotal = {
  readonly user_id: string
  readonly booked_on: number
  readonly category_id: string
  readonly currency: string
  readonly total_minor: bigint
  readonly transaction_count: number
}

/**
 * What an event adds to the totals of a day, a category and a currency, without a sign. An amendment is its old value
 * taken back and its new one added.
 */
export function countedByCategory(
  { userId, body }: OpenedEvent,
  counts: Counts,
): readonly CategoryTotal[] {
  switch (body.type) {
    case 'TransactionCreated':
      return totals(userId, body.currency, { ...body, parts: [] }, counts, 1)
    case 'TransactionUpdated':
    case 'TransactionSplit':
      return [
        ...totals(userId, body.currency, body.before, counts, -1),
        ...totals(userId, body.currency, body.after, counts, 1),
      ]
    case 'TransactionDeleted':
      return totals(userId, body.currency, body.before, counts, -1)
    case 'TransactionCategoryOverridden':
      return [
        ...totals(userId, body.currency, body.before, counts, -1),
        ...totals(
          userId,
          body.currency,
          { ...body.before, categoryId: body.categoryId },
          counts,
          1,
        ),
      ]
    default:
      return []
  }
}

/** Corrections of a balance and money between own accounts are neither spending nor income. The parts of a split count instead of the whole, each once in its category. */
function totals(
  userId: string,
  currency: string,
  booking: Booking,
  counts: Counts,
  count: 1 | -1,
): readonly CategoryTotal[] {
  const { bookedOn, parts, kind } = booking
  if (kind === 'adjustment' || kind === 'transfer' || !counts(booking.amountMinor)) return []
  return (parts.length === 0 ? [booking] : parts).map(({ categoryId, amountMinor }) => ({
    user_id: userId,
    booked_on: bookedOn,
    category_id: categoryId,
    currency,
    total_minor: (amountMinor < 0n ? -amountMinor : amountMinor) * BigInt(count),
    transaction_count: count,
  }))
}
