import type { FastifyInstance } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { notFound } from '../../problem.ts'
import { eventAnswer } from '../answers.ts'
import { eventSchema } from '../named-schemas.ts'
import { answer, idSchema, listOf, parameters, responses } from '../schemas.ts'

const EVENTS_MAX = 100
const VERSION_MAX = Number.MAX_SAFE_INTEGER

const aggregateTypes = [
  'account',
  'transaction',
  'category',
  'budget',
  'profile',
  'ledger',
] as const

const schema = {
  operationId: 'listAggregateEvents',
  summary: 'The events of one aggregate, oldest first',
  description: `At most ${EVENTS_MAX}; nextVersion is the "from_version" of the rest, null when there is none.`,
  tags: ['Events'],
  params: parameters(
    {
      type: {
        type: 'string',
        enum: aggregateTypes,
        description: `one of ${aggregateTypes.join(', ')}`,
      },
      id: idSchema,
    },
    ['type', 'id'],
  ),
  querystring: parameters({
    from_version: {
      type: 'integer',
      minimum: 1,
      maximum: VERSION_MAX,
      default: 1,
      description: 'a whole number from 1 on',
    },
  }),
  response: responses(
    answer({ events: listOf(eventSchema), nextVersion: { type: ['integer', 'null'] } }),
  ),
}

type Route = {
  Params: { type: (typeof aggregateTypes)[number]; id: string }
  Querystring: { from_version: number }
}

export function aggregateEventsRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/aggregates/:type/:id/events', { schema }, async (request) => {
    const page = { fromVersion: request.query.from_version, limit: EVENTS_MAX + 1 }
    const events = await queries.aggregateEvents(userIdOf(request), request.params, page)
    if (events === undefined) throw notFound('you have no aggregate of this type with this id')
    return {
      events: events.slice(0, EVENTS_MAX).map(eventAnswer),
      nextVersion: events[EVENTS_MAX]?.version ?? null,
    }
  })
}
