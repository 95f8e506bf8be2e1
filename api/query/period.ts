import { epochDayOf, isoDateOf } from '../../schemas/dates.ts'

export const periods = ['week', 'month', 'quarter', 'year'] as const
export type Period = (typeof periods)[number]

/** The days of the period in which a date is, both ends inclusive. Weeks begin on Monday. */
export function daysOfPeriod(
  period: Period,
  date: string,
): { readonly from: string; readonly to: string } {
  const year = date.slice(0, 4)
  const month = Number(date.slice(5, 7))
  switch (period) {
    case 'week':
      return weekOf(date)
    case 'month':
      return months(year, month, month)
    case 'quarter': {
      const first = month - ((month - 1) % 3)
      return months(year, first, first + 2)
    }
    case 'year':
      return { from: `${year}-01-01`, to: `${year}-12-31` }
  }
}

/** The last day a text of ten characters can tell. */
const LAST_DAY = Date.UTC(9999, 11, 31) / 86_400_000

function weekOf(date: string): { readonly from: string; readonly to: string } {
  const day = epochDayOf(date) ?? 0
  // 1970-01-01 was a Thursday.
  const monday = day - ((((day + 3) % 7) + 7) % 7)
  return { from: isoDateOf(monday), to: isoDateOf(Math.min(monday + 6, LAST_DAY)) }
}

function months(year: string, first: number, last: number) {
  const lastDay = new Date(Date.UTC(Number(year), last, 0)).getUTCDate()
  return { from: `${year}-${twoDigits(first)}-01`, to: `${year}-${twoDigits(last)}-${lastDay}` }
}

function twoDigits(month: number): string {
  return String(month).padStart(2, '0')
}
