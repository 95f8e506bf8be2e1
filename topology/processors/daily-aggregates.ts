import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking } from '../../schemas/types.ts'
import type { DeltaProcessor, Row } from './processor.ts'

/** Income does not reduce spend: only negative amounts count. An amendment is its old value taken back and its new one added. */
export const dailyAggregates: DeltaProcessor<OpenedEvent> = {
  kind: 'deltas',
  name: 'daily-aggregates',
  table: 'daily_aggregates',
  deltas({ userId, body }) {
    switch (body.type) {
      case 'TransactionCreated':
        return spend(userId, body.currency, { ...body, parts: [] }, 1)
      case 'TransactionUpdated':
      case 'TransactionSplit':
        return [
          ...spend(userId, body.currency, body.before, -1),
          ...spend(userId, body.currency, body.after, 1),
        ]
      case 'TransactionDeleted':
        return spend(userId, body.currency, body.before, -1)
      case 'TransactionCategoryOverridden':
        return [
          ...spend(userId, body.currency, body.before, -1),
          ...spend(userId, body.currency, { ...body.before, categoryId: body.categoryId }, 1),
        ]
      default:
        return []
    }
  },
}

/** Corrections of a balance and money between own accounts are no spending. The parts of a split count instead of the whole, each once in its category. */
function spend(userId: string, currency: string, booking: Booking, count: 1 | -1): readonly Row[] {
  const { bookedOn, parts, kind } = booking
  if (kind === 'adjustment' || kind === 'transfer') return []
  return (parts.length === 0 ? [booking] : parts)
    .filter(({ amountMinor }) => amountMinor < 0n)
    .map(({ categoryId, amountMinor }) => ({
      user_id: userId,
      booked_on: bookedOn,
      category_id: categoryId,
      currency,
      total_minor: -amountMinor * BigInt(count),
      transaction_count: count,
    }))
}
