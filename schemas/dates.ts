const DAY_MS = 86_400_000
const ISO_DATE = /^(\d{4})-(\d{2})-(\d{2})$/

/** Days since 1970-01-01 of an ISO calendar date; undefined for a date that does not exist, such as 2024-02-30. */
export function epochDayOf(isoDate: string): number | undefined {
  const match = ISO_DATE.exec(isoDate)
  if (match === null) return undefined
  const ms = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]))
  return isoDateOf(ms / DAY_MS) === isoDate ? ms / DAY_MS : undefined
}

/** ISO calendar date of a number of days since 1970-01-01. */
export function isoDateOf(epochDay: number): string {
  return new Date(epochDay * DAY_MS).toISOString().slice(0, 10)
}

const ISO_MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/

/** Months since January 1970 of a text such as 2026-03; undefined for what is no month. */
export function epochMonthOf(isoMonth: string): number | undefined {
  const match = ISO_MONTH.exec(isoMonth)
  return match === null ? undefined : (Number(match[1]) - 1970) * 12 + Number(match[2]) - 1
}

/** A number of months since January 1970 as a text such as 2026-03. */
export function isoMonthOf(epochMonth: number): string {
  const year = 1970 + Math.floor(epochMonth / 12)
  const month = epochMonth - (year - 1970) * 12 + 1
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`
}

/** The month of a day: months since January 1970 of days since 1970-01-01. */
export function monthOfDay(epochDay: number): number {
  const date = new Date(epochDay * DAY_MS)
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
}
