import type { FastifyInstance } from 'fastify'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { notFound } from '../../problem.ts'
import { transactionAnswer, transactionVersionAnswer } from '../answers.ts'
import { transactionSchema, transactionVersionSchema } from '../named-schemas.ts'
import { answer, idSchema, listOf, parameters, responses } from '../schemas.ts'

/** More than anybody amends a transaction; the rest is found at the events of the aggregate. */
const HISTORY_MAX = 100

const schema = {
  operationId: 'getTransaction',
  summary: 'One transaction with its history',
  description:
    `A deleted one too. The history tells what each of its events left, oldest first, at most ${HISTORY_MAX}. Texts of ` +
    'the past are sealed with a key that this API does not have: "saldo events" shows them.',
  tags: ['Transactions'],
  params: parameters({ transactionId: idSchema }, ['transactionId']),
  querystring: parameters({}),
  response: responses(
    answer({ transaction: transactionSchema, history: listOf(transactionVersionSchema) }),
  ),
}

type Route = { Params: { transactionId: string } }

export function transactionRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/transactions/:transactionId', { schema }, async (request) => {
    const userId = userIdOf(request)
    const { transactionId: id } = request.params
    const transaction = await queries.transaction(userId, id)
    if (transaction === undefined) throw notFound('you have no transaction with this id')
    const history = await queries.history(userId, transaction, HISTORY_MAX)
    return {
      transaction: transactionAnswer(transaction),
      history: history.map(transactionVersionAnswer),
    }
  })
}
