import type { FastifyInstance } from 'fastify'
import { formatMinor } from '../../../schemas/money.ts'
import type { Transaction, TransactionFilter } from '../../../sink/queries-transactions.ts'
import type { Queries } from '../../../sink/queries.ts'
import { userIdOf } from '../../auth.ts'
import { invalidInput } from '../../problem.ts'
import { cursorAfter, positionOf } from '../cursor.ts'
import {
  amountSchema,
  asOfSchema,
  currencySchema,
  dateSchema,
  idSchema,
  isoTime,
  isoTimeOrNull,
  parameters,
  record,
  textOrNull,
  timeSchema,
} from '../schemas.ts'

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 100

const transactionSchema = record({
  transactionId: { type: 'string' },
  accountId: { type: 'string' },
  amount: amountSchema,
  currency: currencySchema,
  bookedOn: { type: 'string' },
  occurredAt: timeSchema,
  description: textOrNull,
  merchant: textOrNull,
  counterparty: textOrNull,
  note: textOrNull,
  categoryId: { type: 'string' },
  categorySource: { type: 'string' },
  confidence: { type: 'number' },
  needsReview: { type: 'boolean' },
  source: { type: 'string' },
  createdAt: timeSchema,
  updatedAt: timeSchema,
  version: { type: 'integer' },
})

const schema = {
  querystring: parameters({
    account_id: idSchema,
    category: idSchema,
    from_date: dateSchema,
    to_date: dateSchema,
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: LIMIT_MAX,
      default: LIMIT_DEFAULT,
      description: `a whole number from 1 to ${LIMIT_MAX}`,
    },
    cursor: {
      type: 'string',
      minLength: 1,
      maxLength: 512,
      description: 'the nextCursor of an earlier answer',
    },
  }),
  response: {
    200: record({
      transactions: { type: 'array', items: transactionSchema },
      nextCursor: { type: ['string', 'null'], description: 'null after the last row' },
      asOf: asOfSchema,
    }),
  },
}

type Route = {
  Querystring: {
    account_id?: string
    category?: string
    from_date?: string
    to_date?: string
    limit: number
    cursor?: string
  }
}

export function transactionsRoute(app: FastifyInstance, queries: Queries): void {
  app.get<Route>('/transactions', { schema }, async (request) => {
    const { limit, cursor } = request.query
    const list = { userId: userIdOf(request), filter: filterOf(request.query) }
    const after = cursor === undefined ? undefined : positionOf(list, cursor)
    const asOf = await queries.freshness()
    // One row more than asked for tells whether there is another page.
    const rows = await queries.transactions(list.userId, list.filter, { after, limit: limit + 1 })
    const page = rows.slice(0, limit)
    const last = rows.length > limit ? page.at(-1) : undefined
    return {
      transactions: page.map(transactionAnswer),
      nextCursor: last === undefined ? null : cursorAfter(list, last),
      asOf: isoTimeOrNull(asOf),
    }
  })
}

function filterOf(query: Route['Querystring']): TransactionFilter {
  const { account_id: accountId, category: categoryId } = query
  const { from_date: fromDate, to_date: toDate } = query
  if (fromDate !== undefined && toDate !== undefined && fromDate > toDate) {
    throw invalidInput('to_date', `"to_date" ${toDate} is before "from_date" ${fromDate}`)
  }
  return { accountId, categoryId, fromDate, toDate }
}

function transactionAnswer(transaction: Transaction) {
  const { amountMinor, occurredAt, createdAt, updatedAt, ...rest } = transaction
  return {
    ...rest,
    amount: formatMinor(amountMinor, transaction.currency),
    occurredAt: isoTime(occurredAt),
    createdAt: isoTime(createdAt),
    updatedAt: isoTime(updatedAt),
  }
}
