import type { FastifyInstance } from 'fastify'
import { formatMinor } from '../../../schemas/money.ts'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { notFound } from '../../problem.ts'
import { balanceSchema } from '../named-schemas.ts'
import { answer, dateSchema, idSchema, parameters, responses } from '../schemas.ts'

const schema = {
  operationId: 'getAccountBalance',
  summary: 'The balance of an account at the end of a day',
  description:
    'By booking date and as it is known now: what was amended or deleted since counts as it is today. Without "at" ' +
    'everything counts that is booked, whenever.',
  tags: ['Accounts'],
  params: parameters({ accountId: idSchema }, ['accountId']),
  querystring: parameters({ at: dateSchema }),
  response: responses(answer({ balance: balanceSchema })),
}

type Route = { Params: { accountId: string }; Querystring: { at?: string } }

export function accountBalanceRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/accounts/:accountId/balance', { schema }, async (request) => {
    const { accountId } = request.params
    const { at } = request.query
    const userId = userIdOf(request)
    const balance = await (at === undefined
      ? queries.account(userId, accountId)
      : queries.balance(userId, accountId, at))
    if (balance === undefined) throw notFound('you have no account with this id')
    const { currency, balanceMinor, transactionCount } = balance
    const amount = formatMinor(balanceMinor, currency)
    return { balance: { accountId, at: at ?? null, currency, amount, transactionCount } }
  })
}
