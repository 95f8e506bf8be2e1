import type { FastifyInstance } from 'fastify'
import { builtInCategories, UNCATEGORIZED } from '../../../schemas/built-in-categories.ts'
import { formatMinor } from '../../../schemas/money.ts'
import type { CategoryUsage } from '../../../sink/queries-categories.ts'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { categorySchema } from '../named-schemas.ts'
import { answer, listOf, parameters, responses } from '../schemas.ts'

const schema = {
  operationId: 'listCategories',
  summary: 'The categories, built in and of the user, with what they were used for',
  description:
    'Built-in ones first. Transfers and adjustments are no use; the parts of a split are, each as one.',
  tags: ['Categories'],
  querystring: parameters({}),
  response: responses(answer({ categories: listOf(categorySchema) })),
}

const builtIn = [...builtInCategories, UNCATEGORIZED].map((categoryId) => {
  return { categoryId, name: null, builtIn: true, status: 'active' }
})

export function categoriesRoute(app: FastifyInstance, queries: Queries): void {
  app.get('/categories', { schema }, async (request) => {
    const { categories, usage } = await queries.categories(userIdOf(request))
    const uses = Map.groupBy(usage, ({ categoryId }) => categoryId)
    const own = categories.map((category) => ({ ...category, builtIn: false }))
    return {
      categories: [...builtIn, ...own].map((category) => {
        return { ...category, usage: (uses.get(category.categoryId) ?? []).map(usageAnswer) }
      }),
    }
  })
}

function usageAnswer({ currency, spentMinor, receivedMinor, ...rest }: CategoryUsage) {
  return {
    currency,
    spent: formatMinor(spentMinor, currency),
    received: formatMinor(receivedMinor, currency),
    transactionCount: rest.transactionCount,
    lastUsedOn: rest.lastUsedOn,
  }
}
