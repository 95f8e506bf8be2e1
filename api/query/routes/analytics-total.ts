import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { spentAnswer } from '../answers.ts'
import { refuseBackwards } from '../day-range.ts'
import { spentTotalSchema } from '../named-schemas.ts'
import { answer, dateSchema, listOf, parameters, responses, textOrNull } from '../schemas.ts'

const schema = {
  operationId: 'getTotal',
  summary: 'All that was spent between two dates',
  description:
    'By booking date, both inclusive; without one there is no limit. One total per currency.',
  tags: ['Analytics'],
  querystring: parameters({ start: dateSchema, end: dateSchema }),
  response: responses(
    answer({ start: textOrNull, end: textOrNull, totals: listOf(spentTotalSchema) }),
  ),
}

type Query = { start?: string; end?: string }

export function analyticsTotalRoute(app: FastifyInstance, queries: Queries): void {
  const check = ({ query }: FastifyRequest): void => {
    const { start, end } = query as Query
    refuseBackwards({ start, end })
  }
  const options = { schema, config: { check } }
  app.get<{ Querystring: Query }>('/analytics/total', options, async (request) => {
    const { start, end } = request.query
    const totals = await queries.totals(userIdOf(request), { from: start, to: end })
    return { start: start ?? null, end: end ?? null, totals: totals.map(spentAnswer) }
  })
}
