import type { FastifyInstance } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { notFound } from '../../problem.ts'
import { accountAnswer } from '../answers.ts'
import { accountSchema } from '../named-schemas.ts'
import { answer, idSchema, parameters, responses } from '../schemas.ts'

const schema = {
  operationId: 'getAccount',
  summary: 'One account',
  tags: ['Accounts'],
  params: parameters({ accountId: idSchema }, ['accountId']),
  querystring: parameters({}),
  response: responses(answer({ account: accountSchema })),
}

type Route = { Params: { accountId: string } }

export function accountRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/accounts/:accountId', { schema }, async (request) => {
    const account = await queries.account(userIdOf(request), request.params.accountId)
    if (account === undefined) throw notFound('you have no account with this id')
    return { account: accountAnswer(account) }
  })
}
