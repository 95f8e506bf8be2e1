import type { Statement } from './queries-connection.ts'

/** A budget as it stands in one month. */
export type BudgetStatus = {
  readonly budgetId: string
  readonly version: number
  readonly name: string | null
  readonly categoryId: string
  readonly currency: string
  /** It holds in every month that has none of its own. */
  readonly standing: boolean
  readonly amountMinor: bigint
  readonly spentMinor: bigint
  /** Negative when too much is spent. */
  readonly remainingMinor: bigint
  /** Rounded to two decimals; 0 of a budget of zero. */
  readonly percentage: number
  readonly transactionCount: number
  /** Percentages, ascending. */
  readonly thresholds: readonly number[]
  /** Those that were told. */
  readonly reached: readonly number[]
  readonly updatedAt: number
}

const COLUMNS = `budget_id, budget_version, name, category_id, currency, standing, amount_minor, spent_minor,
                 remaining_minor, percentage, transaction_count, thresholds, latched, updated_at`

/** A standing budget has a row in a month once something is spent there; until then it is as its own row says: nothing spent. */
export function budgetsStatement(userId: string, month: string): Statement {
  return {
    text: `SELECT ${COLUMNS} FROM budget_status
            WHERE user_id = $1 AND month = $2 AND budget_id IS NOT NULL
            UNION ALL
           SELECT ${COLUMNS} FROM budget_status AS every
            WHERE user_id = $1 AND month = 'every' AND budget_id IS NOT NULL
              AND NOT EXISTS (SELECT FROM budget_status AS own
                               WHERE own.user_id = $1 AND own.month = $2
                                 AND own.category_id = every.category_id AND own.currency = every.currency)
            ORDER BY category_id, currency`,
    values: [userId, month],
  }
}

export type BudgetRow = {
  readonly budget_id: string
  readonly budget_version: bigint
  readonly name: string | null
  readonly category_id: string
  readonly currency: string
  readonly standing: boolean
  readonly amount_minor: string
  readonly spent_minor: string
  readonly remaining_minor: string
  readonly percentage: string
  readonly transaction_count: bigint
  readonly thresholds: readonly number[]
  readonly latched: readonly number[]
  readonly updated_at: Date
}

export function budgetOf(row: BudgetRow): BudgetStatus {
  return {
    budgetId: row.budget_id,
    version: Number(row.budget_version),
    name: row.name,
    categoryId: row.category_id,
    currency: row.currency,
    standing: row.standing,
    amountMinor: BigInt(row.amount_minor),
    spentMinor: BigInt(row.spent_minor),
    remainingMinor: BigInt(row.remaining_minor),
    percentage: Number(row.percentage),
    transactionCount: Number(row.transaction_count),
    thresholds: row.thresholds,
    reached: row.latched,
    updatedAt: row.updated_at.getTime(),
  }
}
