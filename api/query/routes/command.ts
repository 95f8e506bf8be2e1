import type { FastifyInstance } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { notFound } from '../../problem.ts'
import { isoTime, parameters, record, textOrNull, timeSchema } from '../schemas.ts'

const schema = {
  params: parameters(
    {
      commandId: {
        type: 'string',
        format: 'command-id',
        description: 'a uuid in lower case',
      },
    },
    ['commandId'],
  ),
  querystring: parameters({}),
  response: {
    200: record({
      command: record({
        commandId: { type: 'string' },
        verdict: { type: 'string' },
        recordedAt: timeSchema,
        aggregateType: textOrNull,
        aggregateId: textOrNull,
        version: { type: ['integer', 'null'] },
        eventIds: { type: 'array', items: { type: 'string' } },
        firstSequence: { type: ['integer', 'null'] },
        path: textOrNull,
        code: textOrNull,
        sentence: textOrNull,
      }),
    }),
  },
}

type Route = { Params: { commandId: string } }

/** How a producer learns what became of its command: it is not found until it is answered. */
export function commandRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/commands/:commandId', { schema }, async (request) => {
    const outcome = await queries.commandOutcome(userIdOf(request), request.params.commandId)
    if (outcome === undefined) throw notFound('no command of yours with this id is answered yet')
    return { command: { ...outcome, recordedAt: isoTime(outcome.recordedAt) } }
  })
}
