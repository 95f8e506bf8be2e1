const DAY_MS = 86_400_000
const DAYS_REMEMBERED_MAX = 4_096

const days = new Map<number, string>()
const threeDigits = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'))
const twoDigits = threeDigits.slice(0, 60).map((digits) => digits.slice(1))

/** As `Date.prototype.toISOString`, which takes a microsecond: a page of transactions shows 150 times, of few days. */
export function isoTime(epochMs: number): string {
  const time = Math.trunc(epochMs)
  const day = Math.floor(time / DAY_MS)
  const date = dateOf(day)
  const ofDay = time - day * DAY_MS
  const second = Math.floor(ofDay / 1000)
  const minute = Math.floor(second / 60)
  const hour = Math.floor(minute / 60)
  const clock = `${twoDigits[hour]}:${twoDigits[minute % 60]}:${twoDigits[second % 60]}`
  return `${date}T${clock}.${threeDigits[ofDay % 1000]}Z`
}

function dateOf(epochDay: number): string {
  let date = days.get(epochDay)
  if (date === undefined) {
    date = new Date(epochDay * DAY_MS).toISOString().slice(0, -'T00:00:00.000Z'.length)
    if (days.size === DAYS_REMEMBERED_MAX) days.clear()
    days.set(epochDay, date)
  }
  return date
}
