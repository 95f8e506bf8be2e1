import type { FastifyInstance } from 'fastify'
import { spendingGroupings, type SpendingGrouping } from '../../../sink/queries-analytics.ts'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { spentAnswer } from '../answers.ts'
import { daysOfPeriod, periods, type Period } from '../period.ts'
import { spendingAnalyticsSchema } from '../named-schemas.ts'
import { dateSchema, parameters, responses } from '../schemas.ts'
import { todayOf } from '../today.ts'

const GROUPS_MAX = 1_000

const schema = {
  operationId: 'getSpending',
  summary: 'What was spent in a week, month, quarter or year',
  description:
    'By booking date, per currency: amounts of different currencies are never added. Income, transfers between own ' +
    'accounts and adjustments are no spending; the parts of a split count in their categories, each as one. Weeks are ' +
    'those of ISO 8601; a week at the edge of the period counts with its days inside.',
  tags: ['Analytics'],
  querystring: parameters({
    period: {
      type: 'string',
      enum: periods,
      default: 'month',
      description: `one of ${periods.join(', ')}`,
    },
    group_by: {
      type: 'string',
      enum: spendingGroupings,
      default: 'category',
      description: `one of ${spendingGroupings.join(', ')}`,
    },
    date: {
      ...dateSchema,
      description: `${dateSchema.description}, inside the period; today, where the user is, without it`,
    },
  }),
  response: responses(spendingAnalyticsSchema),
}

type Route = { Querystring: { period: Period; group_by: SpendingGrouping; date?: string } }

export function analyticsSpendingRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>(
    '/analytics/spending',
    { schema, config: { isOfToday: true } },
    async (request) => {
      const userId = userIdOf(request)
      const { period, group_by: grouping, date = await todayOf(queries, userId) } = request.query
      const days = daysOfPeriod(period, date)
      const by = { grouping, groupsMax: GROUPS_MAX + 1 }
      const { totals, groups } = await queries.spendingSums(userId, days, by)
      return {
        period,
        groupBy: grouping,
        ...days,
        totals: totals.map(spentAnswer),
        groups: groups.slice(0, GROUPS_MAX).map(spentAnswer),
        truncated: groups.length > GROUPS_MAX,
      }
    },
  )
}
