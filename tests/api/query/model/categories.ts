import fc from 'fast-check'
import { builtInCategories, UNCATEGORIZED } from '../../../../schemas/built-in-categories.ts'
import { isoDateOf } from '../../../../schemas/dates.ts'
import { formatMinor } from '../../../../schemas/money.ts'
import { textOf } from '../../../../schemas/opened-event.ts'
import { countedParts } from '../../../support/live-bookings.ts'
import { compared, sumOf, type Ledger, type RouteModels } from './ledger.ts'

export const categoryModels: RouteModels = {
  '/v1/categories': {
    questions: () => [fc.constant({})],
    answer: (ledger) => ({
      categories: [...builtIn, ...ownCategories(ledger)].map((category) => {
        return { ...category, usage: usageOf(ledger, category.categoryId) }
      }),
    }),
  },
}

const builtIn = [...builtInCategories, UNCATEGORIZED].map((categoryId) => {
  return { categoryId, name: null, builtIn: true, status: 'active' }
})

/** Oldest first. */
function ownCategories({ events }: Ledger) {
  const own = events.filter(({ aggregateType }) => aggregateType === 'category')
  const some = [...Map.groupBy(own, ({ aggregateId }) => aggregateId)]
  const ages = new Map(some.map(([id, [created]]) => [id, created?.recordedAt ?? 0]))
  return some
    .toSorted(([a], [b]) => (ages.get(a) ?? 0) - (ages.get(b) ?? 0) || compared(a, b))
    .map(([categoryId, changes]) => {
      const named = changes.findLast(({ body }) => body.type !== 'CategoryDeleted')
      const isDeleted = changes.some(({ body }) => body.type === 'CategoryDeleted')
      return {
        categoryId,
        name: textOf(named?.personal ?? null, 'name'),
        builtIn: false,
        status: isDeleted ? 'deleted' : 'active',
      }
    })
}

function usageOf({ events }: Ledger, categoryId: string) {
  const used = countedParts(events).filter((part) => part.categoryId === categoryId)
  return [...Map.groupBy(used, (part) => part.currency)]
    .toSorted(([a], [b]) => compared(a, b))
    .map(([currency, parts]) => ({
      currency,
      spent: formatMinor(-sumOf(parts.filter(({ amountMinor }) => amountMinor < 0n)), currency),
      received: formatMinor(sumOf(parts.filter(({ amountMinor }) => amountMinor > 0n)), currency),
      transactionCount: parts.length,
      lastUsedOn: isoDateOf(Math.max(...parts.map(({ bookedOn }) => bookedOn))),
    }))
}
