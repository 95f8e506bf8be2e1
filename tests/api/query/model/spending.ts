import fc from 'fast-check'
import { epochDayOf, isoDateOf } from '../../../../schemas/dates.ts'
import { formatMinor } from '../../../../schemas/money.ts'
import { textOf } from '../../../../schemas/opened-event.ts'
import { countedParts, type CountedPart } from '../../../support/live-bookings.ts'
import { compared, isDayWithin, sumOf, type Ledger, type RouteModels } from './ledger.ts'

const periods = ['week', 'month', 'quarter', 'year'] as const
type Period = (typeof periods)[number]
const groupings = ['category', 'merchant', 'day', 'week'] as const
type Grouping = (typeof groupings)[number]

/** Weeks of two years among them. */
const dates = fc.constantFrom('2026-01-01', '2026-02-28', '2026-03-09', '2025-12-29')
const total: readonly { readonly start?: string; readonly end?: string }[] = [
  {},
  { start: '2026-02-11' },
  { end: '2026-02-11' },
  { start: '2025-12-31', end: '2026-03-01' },
]
const months = [{ month: '2026-02' }, { from: '2025-12', to: '2026-03' }]

export const spendingModels: RouteModels = {
  '/v1/spending': {
    questions: () => months.map((query) => fc.constant({ query })),
    answer(ledger, { query = {} }) {
      const { month = '', from = month, to = month } = query
      return { from, to, spending: byMonth(ledger, from, to) }
    },
  },
  '/v1/analytics/spending': {
    questions: () =>
      periods.flatMap((period) =>
        groupings.map((grouping) => {
          const date = fc.option(dates, { freq: 9, nil: undefined })
          return date.map((on) => {
            const query = { period, group_by: grouping, ...(on === undefined ? {} : { date: on }) }
            return { query }
          })
        }),
      ),
    answer(ledger, { query = {} }) {
      const { period, group_by: groupBy, date = isoDateOf(Date.now() / 86_400_000) } = query
      const days = daysOf(period as Period, date)
      const spent = spentParts(ledger).filter(({ bookedOn }) =>
        isDayWithin(bookedOn, days.from, days.to),
      )
      const groups = groupsOf(spent, groupBy as Grouping)
      return { period, groupBy, ...days, totals: totalsOf(spent), groups, truncated: false }
    },
  },
  '/v1/analytics/total': {
    questions: () => total.map((query) => fc.constant({ query })),
    answer(ledger, { query = {} }) {
      const { start, end } = query
      const spent = spentParts(ledger).filter(({ bookedOn }) => isDayWithin(bookedOn, start, end))
      return { start: start ?? null, end: end ?? null, totals: totalsOf(spent) }
    },
  },
}

type Spent = CountedPart & { readonly merchant: string | null }

/** What left, never money that only moved. */
function spentParts({ events }: Ledger): readonly Spent[] {
  const merchants = new Map<string, string | null>()
  for (const { body, personal } of events) {
    if (body.type === 'TransactionCreated' || body.type === 'TransactionUpdated')
      merchants.set(body.transactionId, textOf(personal, 'merchant'))
  }
  return countedParts(events)
    .filter(({ amountMinor }) => amountMinor < 0n)
    .map((part) => ({ ...part, merchant: merchants.get(part.transactionId) ?? null }))
}

function byMonth(ledger: Ledger, from: string, to: string) {
  const monthOf = ({ bookedOn }: Spent): string => isoDateOf(bookedOn).slice(0, 7)
  const spent = spentParts(ledger).filter((one) => from <= monthOf(one) && monthOf(one) <= to)
  const groups = Map.groupBy(spent, (one) => `${monthOf(one)} ${one.categoryId} ${one.currency}`)
  return [...groups]
    .toSorted(([a], [b]) => comparedInParts(a, b))
    .map(([key, parts]) => {
      const [month, categoryId] = key.split(' ')
      return { month, categoryId, ...spentAnswer(parts) }
    })
}

function comparedInParts(a: string, b: string): number {
  const others = b.split(' ')
  return a
    .split(' ')
    .reduce((order, part, index) => order || compared(part, others[index] ?? ''), 0)
}

function totalsOf(spent: readonly Spent[]) {
  const totals = [...Map.groupBy(spent, ({ currency }) => currency).values()].map(spentAnswer)
  return totals.toSorted((a, b) => compared(a.currency, b.currency))
}

/** The largest first, whatever their currency; days and weeks in their order. */
function groupsOf(spent: readonly Spent[], grouping: Grouping) {
  const isInTime = grouping === 'day' || grouping === 'week'
  const keyed = spent.map((one) => ({ key: keyOf(one, grouping), one }))
  const groups = Map.groupBy(keyed, ({ key, one }) => JSON.stringify([key, one.currency]))
  return [...groups.values()]
    .map((some) => {
      const parts = some.map(({ one }) => one)
      const group = { key: some[0]?.key ?? null, ...spentAnswer(parts) }
      return { sum: -sumOf(parts), group }
    })
    .toSorted((a, b) => (isInTime ? 0 : Number(b.sum - a.sum)) || comparedGroups(a.group, b.group))
    .map(({ group }) => group)
}

type Group = { readonly key: string | null; readonly currency: string }

/** What has no merchant comes last. */
function comparedGroups(a: Group, b: Group): number {
  return (
    Number(a.key === null) - Number(b.key === null) ||
    compared(a.key ?? '', b.key ?? '') ||
    compared(a.currency, b.currency)
  )
}

function keyOf(spent: Spent, grouping: Grouping): string | null {
  switch (grouping) {
    case 'category':
      return spent.categoryId
    case 'merchant':
      return spent.merchant
    case 'day':
      return isoDateOf(spent.bookedOn)
    case 'week':
      return isoWeekOf(spent.bookedOn)
  }
}

function spentAnswer(parts: readonly Spent[]) {
  const currency = parts[0]?.currency ?? ''
  return {
    currency,
    amount: formatMinor(-sumOf(parts), currency),
    transactionCount: parts.length,
  }
}

/** All days around a date that are in its period. */
function daysOf(period: Period, date: string) {
  const day = epochDayOf(date) ?? 0
  const isInside = (other: number): boolean => placeOf(period, other) === placeOf(period, day)
  let [from, to] = [day, day]
  while (isInside(from - 1)) from--
  while (isInside(to + 1)) to++
  return { from: isoDateOf(from), to: isoDateOf(to) }
}

function placeOf(period: Period, day: number): string {
  const date = isoDateOf(day)
  switch (period) {
    case 'week':
      return isoWeekOf(day)
    case 'month':
      return date.slice(0, 7)
    case 'quarter':
      return `${date.slice(0, 4)} ${Math.ceil(Number(date.slice(5, 7)) / 3)}`
    case 'year':
      return date.slice(0, 4)
  }
}

/** A week is of the year that its Thursday is in. */
function isoWeekOf(day: number): string {
  const weekday = new Date(day * 86_400_000).getUTCDay() || 7
  const thursday = day - weekday + 4
  const year = isoDateOf(thursday).slice(0, 4)
  const week = Math.floor((thursday - (epochDayOf(`${year}-01-01`) ?? 0)) / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}
