import type { FastifyInstance } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { notFound } from '../../problem.ts'
import { accountAnswer } from '../account-answer.ts'
import {
  accountSchema,
  asOfSchema,
  idSchema,
  isoTimeOrNull,
  parameters,
  record,
} from '../schemas.ts'

const schema = {
  params: parameters({ accountId: idSchema }, ['accountId']),
  querystring: parameters({}),
  response: { 200: record({ account: accountSchema, asOf: asOfSchema }) },
}

type Route = { Params: { accountId: string } }

export function accountRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/accounts/:accountId', { schema }, async (request) => {
    const asOf = await queries.freshness()
    const account = await queries.account(userIdOf(request), request.params.accountId)
    if (account === undefined) throw notFound('you have no account with this id')
    return { account: accountAnswer(account), asOf: isoTimeOrNull(asOf) }
  })
}
