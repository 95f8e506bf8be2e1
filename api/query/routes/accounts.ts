import type { FastifyInstance } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { accountAnswer } from '../account-answer.ts'
import { accountSchema, asOfSchema, isoTimeOrNull, parameters, record } from '../schemas.ts'

const schema = {
  querystring: parameters({}),
  response: {
    200: record({ accounts: { type: 'array', items: accountSchema }, asOf: asOfSchema }),
  },
}

export function accountsRoute(app: FastifyInstance, queries: Queries): void {
  app.get('/accounts', { schema }, async (request) => {
    // Before the rows: they may be newer than it says, never older.
    const asOf = await queries.freshness()
    const accounts = await queries.accounts(userIdOf(request))
    return { accounts: accounts.map(accountAnswer), asOf: isoTimeOrNull(asOf) }
  })
}
