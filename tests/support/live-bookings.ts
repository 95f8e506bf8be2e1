/** What transactions count for after some events: the naive model that tables are compared with. */
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking } from '../../schemas/types.ts'

export type LiveBooking = {
  readonly userId: string
  readonly transactionId: string
  readonly accountId: string
  readonly currency: string
  readonly booking: Booking
}

/** Transactions that are not deleted, as last amended. */
export function liveBookings(events: readonly OpenedEvent[]): readonly LiveBooking[] {
  const live = new Map<string, LiveBooking>()
  for (const { body, userId } of events) {
    if (!('transactionId' in body)) continue
    const { transactionId, accountId, currency } = body
    const key = `${userId}/${transactionId}`
    if (body.type === 'TransactionDeleted') {
      live.delete(key)
      continue
    }
    const booking =
      body.type === 'TransactionCreated'
        ? { ...body, parts: [] }
        : body.type === 'TransactionCategoryOverridden'
          ? { ...body.before, categoryId: body.categoryId }
          : body.after
    live.set(key, { userId, transactionId, accountId, currency, booking })
  }
  return [...live.values()]
}

export type CountedPart = {
  readonly userId: string
  readonly transactionId: string
  readonly bookedOn: number
  readonly categoryId: string
  readonly currency: string
  /** Signed. */
  readonly amountMinor: bigint
}

/** What spending and income are made of: by part where a transaction is split, never money that only moved. */
export function countedParts(events: readonly OpenedEvent[]): readonly CountedPart[] {
  return liveBookings(events).flatMap(({ userId, transactionId, currency, booking }) => {
    const { kind, parts, bookedOn } = booking
    if (kind === 'transfer' || kind === 'adjustment') return []
    return (parts.length === 0 ? [booking] : parts).map(({ categoryId, amountMinor }) => {
      return { userId, transactionId, bookedOn, categoryId, currency, amountMinor }
    })
  })
}
