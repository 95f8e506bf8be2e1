import type { FastifyInstance } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { notFound } from '../../problem.ts'
import { commandOutcomeSchema } from '../named-schemas.ts'
import { isoTime } from '../iso-time.ts'
import { answer, parameters, responses } from '../schemas.ts'

const schema = {
  operationId: 'getCommand',
  summary: 'What became of a command',
  description: 'Not found until it is answered: ask again, or wait for the stream to tell.',
  tags: ['Commands'],
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
  response: responses(answer({ command: commandOutcomeSchema })),
}

type Route = { Params: { commandId: string } }

export function commandRoute(app: FastifyInstance, queries: Queries): void {
  const options = { schema, config: { reads: 'outcomes' } } as const
  app.get<Route>('/commands/:commandId', options, async (request) => {
    const outcome = await queries.commandOutcome(userIdOf(request), request.params.commandId)
    if (outcome === undefined) throw notFound('no command of yours with this id is answered yet')
    return { command: { ...outcome, recordedAt: isoTime(outcome.recordedAt) } }
  })
}
