import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TransactionFilter } from '../../../sink/queries-transactions.ts'
import { ROWS_LOOKED_THROUGH_MAX, type Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { invalidInput } from '../../problem.ts'
import { transactionAnswer } from '../answers.ts'
import { cursorAfter, positionOf } from '../cursor.ts'
import { refuseBackwards } from '../day-range.ts'
import { decimalSchema, refuseCrossed } from '../decimal-range.ts'
import { transactionListSchema } from '../named-schemas.ts'
import { dateSchema, idSchema, parameters, responses } from '../schemas.ts'
import { searchSchema, wordsOf } from '../search-words.ts'

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 100
/** Rows that come before a page are walked over one by one; a cursor goes to its place at once. */
const PAGED_ROWS_MAX = 5_000

const schema = {
  operationId: 'listTransactions',
  summary: 'Transactions, newest first',
  description:
    'The list ends where nextCursor is null. A page may have fewer rows than "limit", or none, before that: a request ' +
    `looks through ${ROWS_LOOKED_THROUGH_MAX} rows at most for "q", "min_amount", "max_amount" and "needs_review=false". ` +
    'Deleted transactions are not in it.',
  tags: ['Transactions'],
  querystring: parameters({
    account_id: idSchema,
    category: {
      ...idSchema,
      description: `${idSchema.description}; a split is in those of its parts`,
    },
    from_date: dateSchema,
    to_date: dateSchema,
    min_amount: decimalSchema,
    max_amount: decimalSchema,
    needs_review: { type: 'boolean', description: 'true or false' },
    q: searchSchema,
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: LIMIT_MAX,
      default: LIMIT_DEFAULT,
      description: `a whole number from 1 to ${LIMIT_MAX}`,
    },
    page: {
      type: 'integer',
      minimum: 1,
      maximum: PAGED_ROWS_MAX,
      description: `a whole number from 1 to ${PAGED_ROWS_MAX}`,
    },
    cursor: {
      type: 'string',
      minLength: 1,
      maxLength: 512,
      description: 'the nextCursor of an earlier answer',
    },
  }),
  response: responses(transactionListSchema),
}

type Query = {
  account_id?: string
  category?: string
  from_date?: string
  to_date?: string
  min_amount?: string
  max_amount?: string
  needs_review?: boolean
  q?: string
  limit: number
  page?: number
  cursor?: string
}

export function transactionsRoute(app: FastifyInstance, queries: Queries): void {
  const check = (request: FastifyRequest): unknown =>
    wishOf(userIdOf(request), request.query as Query)
  const options = { schema, config: { check } }
  app.get<{ Querystring: Query }>('/transactions', options, async (request) => {
    const { limit } = request.query
    const { list, after, skip } = wishOf(userIdOf(request), request.query)
    // One row more than asked for tells whether there is another page.
    const page = { after, limit: limit + 1, skip }
    const { transactions, lookedUntil } = await queries.transactions(list.userId, list.filter, page)
    const shown = transactions.slice(0, limit)
    const next = transactions.length > limit ? shown.at(-1) : lookedUntil
    return {
      transactions: shown.map(transactionAnswer),
      nextCursor: next === undefined ? null : cursorAfter(list, next),
    }
  })
}

function wishOf(userId: string, query: Query) {
  const list = { userId, filter: filterOf(query) }
  const skip = skipOf(query)
  const after = query.cursor === undefined ? undefined : positionOf(list, query.cursor)
  return { list, after, skip }
}

function skipOf({ page, limit, cursor }: Query): number {
  if (page === undefined) return 0
  if (cursor !== undefined) throw invalidInput('page', '"page" goes without "cursor"')
  if (page * limit <= PAGED_ROWS_MAX) return (page - 1) * limit
  throw invalidInput(
    'page',
    `"page" times "limit" is at most ${PAGED_ROWS_MAX}: follow "nextCursor" to go further`,
  )
}

function filterOf(query: Query): TransactionFilter {
  const {
    from_date: fromDate,
    to_date: toDate,
    min_amount: minAmount,
    max_amount: maxAmount,
  } = query
  refuseBackwards({ from_date: fromDate, to_date: toDate })
  refuseCrossed({ min_amount: minAmount, max_amount: maxAmount })
  return {
    accountId: query.account_id,
    categoryId: query.category,
    fromDate,
    toDate,
    minAmount,
    maxAmount,
    needsReview: query.needs_review,
    words: wordsOf(query.q),
  }
}
