import type { Statement } from './queries-connection.ts'

/** A category of the user's own. */
export type Category = {
  readonly categoryId: string
  readonly name: string | null
  readonly status: string
}

/** Oldest first. */
export function categoriesStatement(userId: string): Statement {
  return {
    text: `SELECT category_id, name, status FROM categories WHERE user_id = $1 ORDER BY created_at, category_id`,
    values: [userId],
  }
}

export type CategoryRow = {
  readonly category_id: string
  readonly name: string | null
  readonly status: string
}

export function categoryOf(row: CategoryRow): Category {
  return { categoryId: row.category_id, name: row.name, status: row.status }
}

/** What a category was used for, in one currency. */
export type CategoryUsage = {
  readonly categoryId: string
  readonly currency: string
  /** Both positive. */
  readonly spentMinor: bigint
  readonly receivedMinor: bigint
  readonly transactionCount: number
  /** By booking date. */
  readonly lastUsedOn: string
}

export function categoryUsageStatement(userId: string): Statement {
  return {
    text: `SELECT category_id, currency, spent_minor, received_minor, transaction_count, last_used_on
             FROM category_usage
            WHERE user_id = $1
            ORDER BY category_id, currency`,
    values: [userId],
  }
}

export type CategoryUsageRow = {
  readonly category_id: string
  readonly currency: string
  readonly spent_minor: string
  readonly received_minor: string
  readonly transaction_count: bigint
  readonly last_used_on: string
}

export function categoryUsageOf(row: CategoryUsageRow): CategoryUsage {
  return {
    categoryId: row.category_id,
    currency: row.currency,
    spentMinor: BigInt(row.spent_minor),
    receivedMinor: BigInt(row.received_minor),
    transactionCount: Number(row.transaction_count),
    lastUsedOn: row.last_used_on,
  }
}
