import type { Statement } from './queries-connection.ts'

export type TransactionFilter = {
  readonly accountId?: string | undefined
  readonly categoryId?: string | undefined
  /** ISO dates, both inclusive. */
  readonly fromDate?: string | undefined
  readonly toDate?: string | undefined
}

/** The last row a reader has seen: the page after it starts at the next older one. */
export type TransactionPosition = { readonly bookedOn: string; readonly transactionId: string }

export type TransactionPage = {
  readonly after?: TransactionPosition | undefined
  readonly limit: number
}

export type Transaction = {
  readonly transactionId: string
  readonly accountId: string
  readonly amountMinor: bigint
  readonly currency: string
  readonly bookedOn: string
  readonly occurredAt: number
  readonly description: string | null
  readonly merchant: string | null
  readonly counterparty: string | null
  readonly note: string | null
  readonly categoryId: string
  readonly categorySource: string
  readonly confidence: number
  readonly needsReview: boolean
  readonly source: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
}

/** Newest first, equal dates by id: the order of the index, in which an account or a category is looked for too. */
export function transactionsStatement(
  userId: string,
  filter: TransactionFilter,
  page: TransactionPage,
): Statement {
  const values: unknown[] = [userId]
  // As a literal, which the condition of the index is compared with.
  const conditions = ['user_id = $1', `status = 'recorded'`]
  const where = (condition: string, value: unknown): void => {
    if (value === undefined) return
    values.push(value)
    conditions.push(condition.replace('?', `$${values.length}`))
  }
  where('account_id = ?', filter.accountId)
  where('category_id = ?', filter.categoryId)
  where('booked_on >= ?::date', filter.fromDate)
  where('booked_on <= ?::date', filter.toDate)
  if (page.after !== undefined) {
    values.push(page.after.bookedOn, page.after.transactionId)
    conditions.push(
      `(booked_on, transaction_id) < ($${values.length - 1}::date, $${values.length})`,
    )
  }
  values.push(page.limit)
  return {
    text: `SELECT transaction_id, account_id, amount_minor, currency, booked_on, occurred_at, description,
                  merchant, counterparty, note, category_id, category_source, confidence, needs_review,
                  source, created_at, updated_at, version
             FROM transactions
            WHERE ${conditions.join(' AND ')}
            ORDER BY booked_on DESC, transaction_id DESC
            LIMIT $${values.length}`,
    values,
  }
}

export type TransactionRow = {
  readonly transaction_id: string
  readonly account_id: string
  readonly amount_minor: string
  readonly currency: string
  readonly booked_on: string
  readonly occurred_at: Date
  readonly description: string | null
  readonly merchant: string | null
  readonly counterparty: string | null
  readonly note: string | null
  readonly category_id: string
  readonly category_source: string
  readonly confidence: string
  readonly needs_review: boolean
  readonly source: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly version: bigint
}

export function transactionOf(row: TransactionRow): Transaction {
  return {
    transactionId: row.transaction_id,
    accountId: row.account_id,
    amountMinor: BigInt(row.amount_minor),
    currency: row.currency,
    bookedOn: row.booked_on,
    occurredAt: row.occurred_at.getTime(),
    description: row.description,
    merchant: row.merchant,
    counterparty: row.counterparty,
    note: row.note,
    categoryId: row.category_id,
    categorySource: row.category_source,
    confidence: Number(row.confidence),
    needsReview: row.needs_review,
    source: row.source,
    createdAt: row.created_at.getTime(),
    updatedAt: row.updated_at.getTime(),
    version: Number(row.version),
  }
}
