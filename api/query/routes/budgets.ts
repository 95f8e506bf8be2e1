import type { FastifyInstance } from 'fastify'
import { formatMinor } from '../../../schemas/money.ts'
import type { BudgetStatus } from '../../../sink/queries-budgets.ts'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { budgetStatusSchema } from '../named-schemas.ts'
import { isoTime } from '../iso-time.ts'
import { answer, listOf, monthSchema, parameters, responses } from '../schemas.ts'
import { todayOf } from '../today.ts'

const schema = {
  operationId: 'listBudgets',
  summary: 'The budgets of a month, and what is spent of them',
  description:
    'Of this month, where the user is, without "month". Standing budgets are in every month that has none of its own.',
  tags: ['Budgets'],
  querystring: parameters({ month: monthSchema }),
  response: responses(answer({ month: { type: 'string' }, budgets: listOf(budgetStatusSchema) })),
}

type Route = { Querystring: { month?: string } }

export function budgetsRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/budgets', { schema, config: { isOfToday: true } }, async (request) => {
    const userId = userIdOf(request)
    const { month = (await todayOf(queries, userId)).slice(0, 7) } = request.query
    const budgets = await queries.budgets(userId, month)
    return { month, budgets: budgets.map(budgetAnswer) }
  })
}

function budgetAnswer(budget: BudgetStatus) {
  const { amountMinor, spentMinor, remainingMinor, updatedAt, ...rest } = budget
  const { currency } = budget
  return {
    ...rest,
    amount: formatMinor(amountMinor, currency),
    spent: formatMinor(spentMinor, currency),
    remaining: formatMinor(remainingMinor, currency),
    updatedAt: isoTime(updatedAt),
  }
}
