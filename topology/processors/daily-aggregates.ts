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
        return spend(userId, body.currency, body, 1)
      case 'TransactionUpdated':
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

function spend(userId: string, currency: string, booking: Booking, count: 1 | -1): readonly Row[] {
  if (booking.amountMinor >= 0n) return []
  return [
    {
      user_id: userId,
      booked_on: booking.bookedOn,
      category_id: booking.categoryId,
      currency,
      total_minor: -booking.amountMinor * BigInt(count),
      transaction_count: count,
    },
  ]
}
