/** What the models of routes begin with: the log of one user, and what can be seen in it without any table. */
import type fc from 'fast-check'
import { isoDateOf } from '../../../../schemas/dates.ts'
import { formatMinor } from '../../../../schemas/money.ts'
import type { OpenedEvent } from '../../../../schemas/opened-event.ts'
import type { BookingPart, LedgerEventBody, Outcome } from '../../../../schemas/types.ts'

/** Of one user, in the order of the log. */
export type Ledger = {
  readonly events: readonly OpenedEvent[]
  readonly outcomes: readonly Outcome[]
}

/** By the names that the contract gives to parameters. */
export type Question = {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
}

export type RouteModel = {
  /** What is worth asking, each of them once for a ledger. */
  questions(ledger: Ledger): readonly fc.Arbitrary<Question>[]
  /** All of the answer but how fresh it is; undefined where nothing has the id. */
  answer(ledger: Ledger, question: Question): object | undefined
}

/** By the paths of the contract. */
export type RouteModels = { readonly [path: string]: RouteModel }

export function times<T>(count: number, item: T): readonly T[] {
  return Array.from({ length: count }, () => item)
}

/** Ids that something of the ledger has. */
export function idsOf(
  { events }: Ledger,
  type: OpenedEvent['aggregateType'],
): readonly [string, ...string[]] {
  const own = events.filter(({ aggregateType }) => aggregateType === type)
  return ['0-is-nothing', ...new Set(own.map(({ aggregateId }) => aggregateId))]
}

/** Those of the events that are about one transaction. */
export type TransactionEvent = Omit<OpenedEvent, 'body'> & {
  readonly body: Extract<LedgerEventBody, { readonly transactionId: string }>
}

export function isOfTransaction(event: OpenedEvent): event is TransactionEvent {
  return 'transactionId' in event.body
}

export function sumOf(booked: readonly { readonly amountMinor: bigint }[]): bigint {
  return booked.reduce((sum, { amountMinor }) => sum + amountMinor, 0n)
}

export function partsAnswer(parts: readonly BookingPart[], currency: string) {
  return parts.map(({ categoryId, amountMinor }) => {
    return { categoryId, amount: formatMinor(amountMinor, currency) }
  })
}

export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

export function isDayWithin(day: number, from: string | undefined, to: string | undefined) {
  const date = isoDateOf(day)
  return (from === undefined || date >= from) && (to === undefined || date <= to)
}

/** By code points, as the database has its texts in order. */
export function compared(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
