import { exponents } from '../schemas/currencies.ts'
import type { Statement } from './queries-connection.ts'

export type TransactionFilter = {
  readonly accountId?: string | undefined
  /** A split counts in the categories of its parts. */
  readonly categoryId?: string | undefined
  /** ISO dates, both inclusive. */
  readonly fromDate?: string | undefined
  readonly toDate?: string | undefined
  readonly needsReview?: boolean | undefined
  /** Signed decimals as answers show amounts, both inclusive; each transaction is compared in its own currency. */
  readonly minAmount?: string | undefined
  readonly maxAmount?: string | undefined
  /** Each has to be in one of the texts, whatever its case. */
  readonly words?: readonly string[] | undefined
}

/** The last row a reader has seen: the page after it starts at the next older one. */
export type TransactionPosition = { readonly bookedOn: string; readonly transactionId: string }

export type TransactionPage = {
  readonly after?: TransactionPosition | undefined
  /** Where looking ends, itself included. */
  readonly until?: TransactionPosition | undefined
  readonly limit: number
  readonly skip?: number
}

export type TransactionPart = { readonly categoryId: string; readonly amountMinor: bigint }

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
  readonly kind: string
  readonly linkedTransactionId: string | null
  readonly parts: readonly TransactionPart[]
  readonly status: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
}

const COLUMNS = `transaction_id, account_id, amount_minor, currency, booked_on, occurred_at, description, merchant,
                 counterparty, note, category_id, category_source, confidence, needs_review, source, kind,
                 linked_transaction_id, parts, status, created_at, updated_at, version`
const ORDER = 'ORDER BY booked_on DESC, transaction_id DESC'

/** Conditions that no index answers: the rows of the user have to be looked at, one by one. */
export function needsLooking(filter: TransactionFilter): boolean {
  const { minAmount, maxAmount, words, needsReview } = filter
  // What needs review has an index of its own.
  return [minAmount, maxAmount, words].some((value) => value !== undefined) || needsReview === false
}

/** Newest first, equal dates by id: the order of the index, in which an account or a category is looked for too. */
export function transactionsStatement(
  userId: string,
  filter: TransactionFilter,
  page: TransactionPage,
): Statement {
  const values: unknown[] = [userId]
  const value = (given: unknown): string => `$${values.push(given)}`
  const conditions = [...within(filter, page, value), ...looking(filter, value)]
  const limit = value(page.limit + (page.skip ?? 0))
  const select = (more: readonly string[]): string =>
    `SELECT ${COLUMNS} FROM transactions
      WHERE ${[...conditions, ...more].join(' AND ')}
      ${ORDER} LIMIT ${limit}`
  const skip = page.skip === undefined ? '' : ` OFFSET ${value(page.skip)}`
  if (filter.categoryId === undefined) return { text: `${select([])}${skip}`, values }
  // Splits have an index of their own: few, and looked at for their parts.
  const category = value(filter.categoryId)
  const whole = select([`category_id = ${category}`, 'parts IS NULL'])
  const parts = select(['parts IS NOT NULL', `${category} = ANY(part_category_ids)`])
  return {
    text: `SELECT * FROM ((${whole}) UNION ALL (${parts})) AS listed ${ORDER} LIMIT ${limit}${skip}`,
    values,
  }
}

/** The row at which looking through `rows` rows ends; none when there are not so many. Without a visit to the table. */
export function lookedThroughStatement(
  userId: string,
  filter: TransactionFilter,
  page: Pick<TransactionPage, 'after'> & { readonly rows: number },
): Statement {
  const values: unknown[] = [userId]
  const value = (given: unknown): string => `$${values.push(given)}`
  const conditions = within(filter, page, value)
  return {
    text: `SELECT booked_on, transaction_id FROM transactions
            WHERE ${conditions.join(' AND ')}
            ${ORDER} OFFSET ${value(page.rows - 1)} LIMIT 1`,
    values,
  }
}

type Value = (given: unknown) => string

/** What the index of a list answers, but for a category. */
function within(
  filter: TransactionFilter,
  page: Pick<TransactionPage, 'after' | 'until'>,
  value: Value,
): string[] {
  const { accountId, fromDate, toDate } = filter
  // The status as a literal, which the condition of the index is compared with.
  const conditions = ['user_id = $1', `status = 'recorded'`]
  if (accountId !== undefined) conditions.push(`account_id = ${value(accountId)}`)
  if (fromDate !== undefined) conditions.push(`booked_on >= ${value(fromDate)}::date`)
  if (toDate !== undefined) conditions.push(`booked_on <= ${value(toDate)}::date`)
  for (const [comparison, position] of [
    ['<', page.after],
    ['>=', page.until],
  ] as const) {
    if (position === undefined) continue
    const { bookedOn, transactionId } = position
    const row = `(${value(bookedOn)}::date, ${value(transactionId)})`
    conditions.push(`(booked_on, transaction_id) ${comparison} ${row}`)
  }
  return conditions
}

function looking(filter: TransactionFilter, value: Value): string[] {
  const { needsReview, minAmount, maxAmount, words = [] } = filter
  const conditions = []
  if (needsReview !== undefined) conditions.push(needsReview ? 'needs_review' : 'NOT needs_review')
  if (minAmount !== undefined) conditions.push(`amount_minor >= ${inMinorUnits(value(minAmount))}`)
  if (maxAmount !== undefined) conditions.push(`amount_minor <= ${inMinorUnits(value(maxAmount))}`)
  for (const word of words) {
    const pattern = value(`%${word.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`)
    conditions.push(`concat_ws(E'\\n', description, merchant, counterparty, note) ILIKE ${pattern}`)
  }
  return conditions
}

/** Codes and exponents are ours: constants of the statement. */
const MINOR_UNITS = `CASE ${[...Map.groupBy(exponents, ([, exponent]) => exponent)]
  .filter(([exponent]) => exponent !== 2)
  .map(([exponent, currencies]) => {
    const codes = currencies.map(([code]) => `'${code}'`).join(', ')
    return `WHEN currency IN (${codes}) THEN ${10 ** exponent}`
  })
  .join(' ')} ELSE 100 END`

function inMinorUnits(decimal: string): string {
  return `${decimal}::numeric * ${MINOR_UNITS}`
}

/** A deleted one too. */
export function transactionStatement(userId: string, transactionId: string): Statement {
  return {
    text: `SELECT ${COLUMNS} FROM transactions WHERE user_id = $1 AND transaction_id = $2`,
    values: [userId, transactionId],
  }
}

export type PositionRow = { readonly booked_on: string; readonly transaction_id: string }

export function positionOf(row: PositionRow): TransactionPosition {
  return { bookedOn: row.booked_on, transactionId: row.transaction_id }
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
  readonly kind: string
  readonly linked_transaction_id: string | null
  readonly parts: readonly { readonly categoryId: string; readonly amountMinor: string }[] | null
  readonly status: string
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
    kind: row.kind,
    linkedTransactionId: row.linked_transaction_id,
    parts: partsOf(row.parts),
    status: row.status,
    createdAt: row.created_at.getTime(),
    updatedAt: row.updated_at.getTime(),
    version: Number(row.version),
  }
}

export function partsOf(column: TransactionRow['parts']): readonly TransactionPart[] {
  return (column ?? []).map(({ categoryId, amountMinor }) => {
    return { categoryId, amountMinor: BigInt(amountMinor) }
  })
}
