import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { MonthRange } from '../../../sink/queries-spending.ts'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { invalidInput } from '../../problem.ts'
import { spentAnswer } from '../answers.ts'
import { monthlySpendingSchema } from '../named-schemas.ts'
import { answer, listOf, monthSchema, parameters, responses } from '../schemas.ts'

const MONTHS_MAX = 120

const schema = {
  operationId: 'listMonthlySpending',
  summary: 'What was spent per month, category and currency',
  description: `By booking date. One "month", or "from" and "to", at most ${MONTHS_MAX} of them.`,
  tags: ['Analytics'],
  querystring: parameters({ month: monthSchema, from: monthSchema, to: monthSchema }),
  response: responses(
    answer({
      from: { type: 'string' },
      to: { type: 'string' },
      spending: listOf(monthlySpendingSchema),
    }),
  ),
}

type Query = { month?: string; from?: string; to?: string }

export function spendingRoute(app: FastifyInstance, queries: Queries): void {
  const check = ({ query }: FastifyRequest): unknown => monthsOf(query as Query)
  app.get<{ Querystring: Query }>('/spending', { schema, config: { check } }, async (request) => {
    const months = monthsOf(request.query)
    const spending = await queries.spending(userIdOf(request), months)
    return { ...months, spending: spending.map(spentAnswer) }
  })
}

function monthsOf({ month, from, to }: Query): MonthRange {
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
