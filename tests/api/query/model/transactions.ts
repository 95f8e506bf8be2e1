import fc from 'fast-check'
import { isoDateOf } from '../../../../schemas/dates.ts'
import { formatMinor } from '../../../../schemas/money.ts'
import { textOf } from '../../../../schemas/opened-event.ts'
import type { Booking } from '../../../../schemas/types.ts'
import { compared, idsOf, isOfTransaction, isoTime, partsAnswer, times } from './ledger.ts'
import type { Ledger, RouteModels, TransactionEvent } from './ledger.ts'
import { filters, passes } from './transaction-filter.ts'

const LIMIT_DEFAULT = 50

export const transactionModels: RouteModels = {
  '/v1/transactions': {
    questions: (ledger) => filters(ledger),
    answer(ledger, { query = {} }) {
      const { page = '1', limit = String(LIMIT_DEFAULT) } = query
      const listed = newestFirst(ledger).filter((one) => passes(one, query))
      const end = Number(page) * Number(limit)
      return {
        transactions: listed.slice(end - Number(limit), end),
        // A word of the API's own, followed by whoever asks.
        nextCursor: end < listed.length ? 'there is more' : null,
      }
    },
  },
  '/v1/transactions/{transactionId}': {
    questions: (ledger) => {
      const transactionId = fc.constantFrom(...idsOf(ledger, 'transaction'))
      return times(12, fc.record({ path: fc.record({ transactionId }) }))
    },
    answer(ledger, { path }) {
      const own = transactionsOf(ledger).get(path?.['transactionId'] ?? '')
      if (own === undefined) return undefined
      return { transaction: transactionOf(own), history: own.map(versionOf) }
    },
  },
}

export type ListedTransaction = ReturnType<typeof transactionOf>

/** The events of each, by its id. */
function transactionsOf({ events }: Ledger): ReadonlyMap<string, readonly TransactionEvent[]> {
  return Map.groupBy(events.filter(isOfTransaction), ({ body }) => body.transactionId)
}

function newestFirst(ledger: Ledger): readonly ListedTransaction[] {
  return [...transactionsOf(ledger).values()]
    .map(transactionOf)
    .filter(({ status }) => status === 'recorded')
    .toSorted(
      (a, b) => compared(b.bookedOn, a.bookedOn) || compared(b.transactionId, a.transactionId),
    )
}

function transactionOf(own: readonly TransactionEvent[]) {
  const [created] = own
  const last = own.at(-1)
  if (created?.body.type !== 'TransactionCreated' || last === undefined)
    throw new Error('a transaction begins with its creation')
  const { transactionId, accountId, currency, categorySource, confidence } = created.body
  const booking = bookingAfter(last)
  const told = own.findLast(({ body }) => body.type === 'TransactionUpdated') ?? created
  const isDeleted = last.body.type === 'TransactionDeleted'
  const isChosen = own.some(choosesCategory)
  const isSplit = own.some(({ body }) => body.type === 'TransactionSplit')
  return {
    transactionId,
    accountId,
    amount: formatMinor(booking.amountMinor, currency),
    currency,
    bookedOn: isoDateOf(booking.bookedOn),
    occurredAt: isoTime(told.occurredAt),
    description: textOf(told.personal, 'description'),
    merchant: textOf(told.personal, 'merchant'),
    counterparty: textOf(told.personal, 'counterparty'),
    note: textOf(told.personal, 'note'),
    categoryId: booking.categoryId,
    categorySource: isChosen ? 'user' : categorySource,
    confidence: isChosen ? 1 : Number(confidence.toFixed(4)),
    needsReview: !isDeleted && !isChosen && !isSplit && confidence < 0.7,
    source: created.body.source,
    kind: booking.kind,
    linkedTransactionId: created.body.linkedTransactionId,
    parts: partsAnswer(booking.parts, currency),
    status: isDeleted ? 'deleted' : 'recorded',
    createdAt: isoTime(created.recordedAt),
    updatedAt: isoTime(last.recordedAt),
    version: own.length,
  }
}

const happened = {
  TransactionCreated: 'created',
  TransactionUpdated: 'updated',
  TransactionCategoryOverridden: 'categorized',
  TransactionSplit: 'categorized',
  TransactionDeleted: 'deleted',
} as const

function versionOf(event: TransactionEvent, index: number) {
  const { body } = event
  const { amountMinor, bookedOn, categoryId, parts } = bookingAfter(event)
  const category =
    body.type === 'TransactionCreated'
      ? { categorySource: body.categorySource, confidence: Number(body.confidence.toFixed(4)) }
      : choosesCategory(event)
        ? { categorySource: 'user', confidence: 1 }
        : { categorySource: null, confidence: null }
  return {
    version: index + 1,
    type: happened[body.type],
    eventId: event.eventId,
    amount: formatMinor(amountMinor, body.currency),
    currency: body.currency,
    bookedOn: isoDateOf(bookedOn),
    categoryId,
    ...category,
    parts: partsAnswer(parts, body.currency),
    occurredAt: isoTime(event.occurredAt),
    recordedAt: isoTime(event.recordedAt),
    initiator: event.initiator.kind,
  }
}

/** What it was, for a deleted one. */
function bookingAfter({ body }: TransactionEvent): Booking {
  switch (body.type) {
    case 'TransactionCreated':
      return { ...body, parts: [] }
    case 'TransactionCategoryOverridden':
      return { ...body.before, categoryId: body.categoryId }
    case 'TransactionDeleted':
      return body.before
    case 'TransactionUpdated':
    case 'TransactionSplit':
      return body.after
  }
}

function choosesCategory({ body }: TransactionEvent): boolean {
  if (body.type === 'TransactionCategoryOverridden') return true
  return body.type === 'TransactionUpdated' && body.before.categoryId !== body.after.categoryId
}
