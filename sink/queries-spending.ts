import type { Statement } from './queries-connection.ts'

/** Months as YYYY-MM, both inclusive. */
export type MonthRange = { readonly from: string; readonly to: string }

export type Spending = {
  readonly month: string
  readonly categoryId: string
  readonly currency: string
  /** What was spent: positive. */
  readonly totalMinor: bigint
  readonly transactionCount: number
}

export function spendingStatement(userId: string, months: MonthRange): Statement {
  return {
    text: `SELECT to_char(booked_on, 'YYYY-MM') AS month, category_id, currency,
                  sum(total_minor) AS total_minor, sum(transaction_count)::bigint AS transaction_count
             FROM daily_aggregates
            WHERE user_id = $1
              AND booked_on >= ($2 || '-01')::date
              AND booked_on < (($3 || '-01')::date + interval '1 month')::date
            GROUP BY 1, 2, 3
            ORDER BY 1, 2, 3`,
    values: [userId, months.from, months.to],
  }
}

export type SpendingRow = {
  readonly month: string
  readonly category_id: string
  readonly currency: string
  readonly total_minor: string
  readonly transaction_count: bigint
}

export function spendingOf(row: SpendingRow): Spending {
  return {
    month: row.month,
    categoryId: row.category_id,
    currency: row.currency,
    totalMinor: BigInt(row.total_minor),
    transactionCount: Number(row.transaction_count),
  }
}
