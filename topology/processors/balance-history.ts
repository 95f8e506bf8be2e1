import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking } from '../../schemas/types.ts'
import type { DeltaProcessor, Row } from './processor.ts'

/**
 * What each day changed in an account's balance, by booking date: the balance at the end of a day is the sum up to it.
 * So an amendment or a deletion of something long past moves every balance since, at the price of one row.
 *
 * Everything counts that the account's balance is made of: ordinary bookings, expenses, adjustments, and each side of a
 * transfer in its own account. Categories and splits move no money.
 *
 * Chosen: changes by day. Instead of: running balances, because a booking in the past would rewrite every row after it.
 * An account has at most one row per day, so a sum reads some thousand rows after ten years. Revisit when that is slow.
 */
export const balanceHistory: DeltaProcessor<OpenedEvent> = {
  kind: 'deltas',
  name: 'balance-history',
  table: 'balance_history',
  deltas({ userId, body }) {
    switch (body.type) {
      case 'TransactionCreated':
        return [change(userId, body.accountId, body, 1)]
      case 'TransactionUpdated':
        if (isSame(body.before, body.after)) return []
        return [
          change(userId, body.accountId, body.before, -1),
          change(userId, body.accountId, body.after, 1),
        ]
      case 'TransactionDeleted':
        return [change(userId, body.accountId, body.before, -1)]
      default:
        return []
    }
  },
}

type Counted = Pick<Booking, 'amountMinor' | 'bookedOn'>

function isSame(before: Counted, after: Counted): boolean {
  return before.amountMinor === after.amountMinor && before.bookedOn === after.bookedOn
}

function change(
  userId: string,
  accountId: string,
  { amountMinor, bookedOn }: Counted,
  count: 1 | -1,
): Row {
  return {
    user_id: userId,
    account_id: accountId,
    booked_on: bookedOn,
    change_minor: amountMinor * BigInt(count),
    transaction_count: count,
  }
}
