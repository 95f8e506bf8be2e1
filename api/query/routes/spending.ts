import type { FastifyInstance } from 'fastify'
import { formatMinor } from '../../../schemas/money.ts'
import type { MonthRange, Spending } from '../../../sink/queries-spending.ts'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { invalidInput } from '../../problem.ts'
import {
  amountSchema,
  asOfSchema,
  currencySchema,
  isoTimeOrNull,
  monthSchema,
  parameters,
  record,
} from '../schemas.ts'

const MONTHS_MAX = 120

const spendingSchema = record({
  month: { type: 'string' },
  categoryId: { type: 'string' },
  currency: currencySchema,
  amount: { ...amountSchema, description: 'what was spent, as a positive decimal number' },
  transactionCount: { type: 'integer' },
})

const schema = {
  querystring: parameters({ month: monthSchema, from: monthSchema, to: monthSchema }),
  response: {
    200: record({
      from: { type: 'string' },
      to: { type: 'string' },
      spending: { type: 'array', items: spendingSchema },
      asOf: asOfSchema,
    }),
  },
}

type Route = { Querystring: { month?: string; from?: string; to?: string } }

export function spendingRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/spending', { schema }, async (request) => {
    const months = monthsOf(request.query)
    const asOf = await queries.freshness()
    const spending = await queries.spending(userIdOf(request), months)
    return { ...months, spending: spending.map(spendingAnswer), asOf: isoTimeOrNull(asOf) }
  })
}

function monthsOf({ month, from, to }: Route['Querystring']): MonthRange {
  if (month !== undefined) {
    if (from === undefined && to === undefined) return { from: month, to: month }
    throw invalidInput('month', '"month" goes without "from" and "to"')
  }
  if (from === undefined && to === undefined) {
    throw invalidInput('month', '"month" is required, or "from" and "to"')
  }
  if (from === undefined) throw invalidInput('from', '"from" is required with "to"')
  if (to === undefined) throw invalidInput('to', '"to" is required with "from"')
  const months = monthNumber(to) - monthNumber(from) + 1
  if (months < 1) throw invalidInput('to', `"to" ${to} is before "from" ${from}`)
  if (months > MONTHS_MAX) {
    throw invalidInput('to', `"from" and "to" span ${months} months, at most ${MONTHS_MAX}`)
  }
  return { from, to }
}

function monthNumber(month: string): number {
  return Number(month.slice(0, 4)) * 12 + Number(month.slice(5))
}

function spendingAnswer({ totalMinor, ...rest }: Spending) {
  return { ...rest, amount: formatMinor(totalMinor, rest.currency) }
}
