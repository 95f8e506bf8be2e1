/**
 * What the query API must answer, told by somebody who has only lists: every question goes through all events of a user
 * again. It shares the form of amounts and times with the API, and no rule, table or query.
 */
import { isoDateOf } from '../../../schemas/dates.ts'
import { formatMinor } from '../../../schemas/money.ts'
import { textOf, type OpenedEvent } from '../../../schemas/opened-event.ts'
import type { LedgerEventBody, Outcome } from '../../../schemas/types.ts'
import { countedParts, liveBookings } from '../../support/live-bookings.ts'

export type Filter = {
  readonly account_id?: string
  readonly category?: string
  readonly from_date?: string
  readonly to_date?: string
}

/** Of one user: the events and the answers in the order of the log. */
export function apiModel(events: readonly OpenedEvent[], outcomes: readonly Outcome[]) {
  const bookings = liveBookings(events)
  const parts = countedParts(events)

  function account(accountId: string) {
    const own = events.filter(({ body }) => 'accountId' in body && body.accountId === accountId)
    const moving = own.filter(({ body }) => movesAccount.has(body.type))
    const opening = moving.find(({ body }) => body.type === 'AccountOpened')
    if (opening?.body.type !== 'AccountOpened') return undefined
    const { kind, currency } = opening.body
    const named = moving.findLast(({ body }) => namesAccount.has(body.type)) ?? opening
    const booked = bookings.filter((one) => one.accountId === accountId)
    return {
      accountId,
      kind,
      name: textOf(named.personal, 'name'),
      bankName: textOf(opening.personal, 'bankName'),
      currency,
      balance: formatMinor(sumOf(booked.map(({ booking }) => booking)), currency),
      transactionCount: booked.length,
      status: moving.some(({ body }) => body.type === 'AccountClosed') ? 'closed' : 'open',
      openedAt: iso(opening.recordedAt),
      updatedAt: iso(moving.at(-1)?.recordedAt ?? 0),
    }
  }

  function transaction({ transactionId, booking }: (typeof bookings)[number]) {
    const own = events.filter(
      ({ body }) => 'transactionId' in body && body.transactionId === transactionId,
    )
    const [created] = own
    const last = own.at(-1)
    if (created?.body.type !== 'TransactionCreated' || last === undefined) {
      throw new Error(`${transactionId} does not begin with its creation`)
    }
    const told = own.findLast(({ body }) => tellsTexts.has(body.type)) ?? created
    const chosen = own.some(({ body }) => choosesCategory(body))
    const split = own.some(({ body }) => body.type === 'TransactionSplit')
    const { accountId, currency, categorySource, confidence, source } = created.body
    return {
      transactionId,
      accountId,
      amount: formatMinor(booking.amountMinor, currency),
      currency,
      bookedOn: isoDateOf(booking.bookedOn),
      occurredAt: iso(told.occurredAt),
      description: textOf(told.personal, 'description'),
      merchant: textOf(told.personal, 'merchant'),
      counterparty: textOf(told.personal, 'counterparty'),
      note: textOf(told.personal, 'note'),
      categoryId: booking.categoryId,
      categorySource: chosen ? 'user' : categorySource,
      confidence: chosen ? 1 : Number(confidence.toFixed(4)),
      needsReview: !chosen && !split && confidence < 0.7,
      source,
      createdAt: iso(created.recordedAt),
      updatedAt: iso(last.recordedAt),
      version: own.length,
    }
  }

  return {
    account,
    /** Oldest first. */
    accounts: () =>
      events
        .flatMap(({ body }) => (body.type === 'AccountOpened' ? [account(body.accountId)] : []))
        .filter((one) => one !== undefined)
        .toSorted((a, b) => compared(a.openedAt, b.openedAt) || compared(a.accountId, b.accountId)),
    /** At the end of a day. */
    balance(accountId: string, on: string) {
      const { currency } = account(accountId) ?? {}
      if (currency === undefined) return undefined
      const booked = bookings.filter(
        (one) => one.accountId === accountId && isoDateOf(one.booking.bookedOn) <= on,
      )
      return formatMinor(sumOf(booked.map(({ booking }) => booking)), currency)
    },
    /** Newest first. */
    transactions: (filter: Filter) =>
      bookings
        .map(transaction)
        .filter((one) => passes(one, filter))
        .toSorted(
          (a, b) => compared(b.bookedOn, a.bookedOn) || compared(b.transactionId, a.transactionId),
        ),
    /** By month, category and currency: what left, as positive numbers. */
    spending(from: string, to: string) {
      const groups = Map.groupBy(
        parts.filter(({ amountMinor, bookedOn }) => {
          const month = isoDateOf(bookedOn).slice(0, 7)
          return amountMinor < 0n && from <= month && month <= to
        }),
        ({ bookedOn, categoryId, currency }) =>
          [isoDateOf(bookedOn).slice(0, 7), categoryId, currency].join(' '),
      )
      return [...groups]
        .map(([key, booked]) => {
          const [month = '', categoryId = '', currency = ''] = key.split(' ')
          const amount = formatMinor(-sumOf(booked), currency)
          return { month, categoryId, currency, amount, transactionCount: booked.length }
        })
        .toSorted(
          (a, b) =>
            compared(a.month, b.month) ||
            compared(a.categoryId, b.categoryId) ||
            compared(a.currency, b.currency),
        )
    },
    /** The first answer that is not `duplicate`. */
    command(commandId: string) {
      const answers = outcomes.filter((one) => one.commandId === commandId)
      const outcome = answers.find(({ verdict }) => verdict !== 'duplicate') ?? answers[0]
      if (outcome === undefined) return undefined
      const { verdict, recordedAt, aggregateType, aggregateId, version } = outcome
      const { eventIds, firstSequence, path, code, sentence } = outcome
      const about = { aggregateType, aggregateId, version, eventIds, firstSequence }
      return { commandId, verdict, recordedAt: iso(recordedAt), ...about, path, code, sentence }
    },
  }
}

export type ApiModel = ReturnType<typeof apiModel>

type EventType = LedgerEventBody['type']

const movesAccount: ReadonlySet<EventType> = new Set([
  'AccountOpened',
  'AccountRenamed',
  'AccountClosed',
  'AccountReconciled',
  'TransactionCreated',
  'TransactionUpdated',
  'TransactionDeleted',
])
const namesAccount: ReadonlySet<EventType> = new Set(['AccountOpened', 'AccountRenamed'])
const tellsTexts: ReadonlySet<EventType> = new Set(['TransactionCreated', 'TransactionUpdated'])

function choosesCategory(body: LedgerEventBody): boolean {
  if (body.type === 'TransactionCategoryOverridden') return true
  return body.type === 'TransactionUpdated' && body.before.categoryId !== body.after.categoryId
}

function passes(
  one: { readonly accountId: string; readonly categoryId: string; readonly bookedOn: string },
  { account_id: accountId, category, from_date: from, to_date: to }: Filter,
): boolean {
  return (
    (accountId === undefined || one.accountId === accountId) &&
    (category === undefined || one.categoryId === category) &&
    (from === undefined || one.bookedOn >= from) &&
    (to === undefined || one.bookedOn <= to)
  )
}

function sumOf(booked: readonly { readonly amountMinor: bigint }[]): bigint {
  return booked.reduce((sum, { amountMinor }) => sum + amountMinor, 0n)
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

function compared(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
