import type { FastifyInstance } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { accountAnswer } from '../answers.ts'
import { accountSchema } from '../named-schemas.ts'
import { answer, listOf, parameters, responses } from '../schemas.ts'

const schema = {
  operationId: 'listAccounts',
  summary: 'The accounts, oldest first, with their balances',
  tags: ['Accounts'],
  querystring: parameters({}),
  response: responses(answer({ accounts: listOf(accountSchema) })),
}

export function accountsRoute(app: FastifyInstance, queries: Queries): void {
  app.get('/accounts', { schema }, async (request) => {
    const accounts = await queries.accounts(userIdOf(request))
    return { accounts: accounts.map(accountAnswer) }
  })
}
