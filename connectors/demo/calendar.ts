/** Days as whole numbers since 1970-01-01: arithmetic without a clock or a time zone. */
import { SaldoError } from '../../schemas/errors.ts'

export const DAY_MS = 86_400_000

/** True on that day of the month, or on the last day of a shorter month. */
export function isDueOn(day: number, dayOfMonth: number): boolean {
  const { date } = calendar(day)
  return date === dayOfMonth || (date < dayOfMonth && calendar(day + 1).date === 1)
}

export function calendar(day: number): { month: number; date: number; weekday: number } {
  const at = new Date(day * DAY_MS)
  return { month: at.getUTCMonth() + 1, date: at.getUTCDate(), weekday: at.getUTCDay() }
}

export function isoDate(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

export function dayNumber(date: string): number {
  const day = Date.parse(`${date}T00:00:00Z`) / DAY_MS
  // Date.parse reads "2025-02-30" as a day of March; a date is a date only if it is written back.
  if (!Number.isInteger(day) || isoDate(day) !== date) {
    throw new SaldoError('SALDO_INPUT_INVALID', `"${date}" is not an ISO date`)
  }
  return day
}
