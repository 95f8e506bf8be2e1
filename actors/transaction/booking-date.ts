import { reject, type Context, type Decision } from '../decider.ts'

export const DAY_MS = 86_400_000
const DAYS_AHEAD_MAX = 366

/** Calendar date of an instant in a time zone, as days since 1970-01-01. */
export function bookedOnOf(instant: number, timeZone: string): number {
  // Most ledgers live in one zone; whole days of UTC need no calendar.
  if (timeZone === 'UTC') return Math.floor(instant / DAY_MS)
  const local = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone)
  return Math.floor((instant + local.offsetNanoseconds / 1_000_000) / DAY_MS)
}

/** The first instant of the day that it is in a time zone; after midnight where the clocks leap over it. */
export function dayStartOf(instant: number, timeZone: string): number {
  const local = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone)
  return local.startOfDay().epochMilliseconds
}

/** Dates reach from 1970 to one year after the log time of the command, the one that the zone gives too. */
export function dateProblem(
  dates: { readonly occurredAt: number | null; readonly bookedOn: number | null },
  context: Context,
): Decision | undefined {
  const { occurredAt, bookedOn } = dates
  if (occurredAt !== null) {
    const problem = dayProblem(Math.floor(occurredAt / DAY_MS), 'occurredAt', context)
    if (problem !== undefined) return problem
  }
  if (bookedOn !== null) return dayProblem(bookedOn, 'bookedOn', context)
  if (occurredAt === null) return undefined
  const { timeZone } = context.ledger.preferences
  return dayProblem(bookedOnOf(occurredAt, timeZone), 'occurredAt', context)
}

export function dayProblem(
  day: number,
  path: string,
  { recordedAt }: Context,
): Decision | undefined {
  const lastDay = Math.floor(recordedAt / DAY_MS) + DAYS_AHEAD_MAX
  return day < 0 || day > lastDay
    ? reject(path, 'date-out-of-range', 'dates reach from 1970-01-01 to one year from now')
    : undefined
}
