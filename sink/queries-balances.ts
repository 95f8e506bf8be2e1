import type { Statement } from './queries-connection.ts'

/** What an account held at the end of a day. */
export type Balance = {
  readonly accountId: string
  readonly currency: string
  readonly balanceMinor: bigint
  /** How many transactions were booked up to then. */
  readonly transactionCount: number
}

/**
 * The balance at the end of a day (ISO date) by booking date, as it is known now: what was amended or deleted since
 * counts as it is today. Zero before the first booking; no row where there is no such account.
 */
export function balanceStatement(userId: string, accountId: string, on: string): Statement {
  return {
    text: `SELECT a.account_id, a.currency, coalesce(sum(h.change_minor), 0) AS balance_minor,
                  coalesce(sum(h.transaction_count), 0)::bigint AS transaction_count
             FROM accounts a
             LEFT JOIN balance_history h
               ON h.user_id = a.user_id AND h.account_id = a.account_id AND h.booked_on <= $3::date
            WHERE a.user_id = $1 AND a.account_id = $2
            GROUP BY a.account_id, a.currency`,
    values: [userId, accountId, on],
  }
}

export type BalanceRow = {
  readonly account_id: string
  readonly currency: string
  readonly balance_minor: string
  readonly transaction_count: bigint
}

export function balanceOf(row: BalanceRow): Balance {
  return {
    accountId: row.account_id,
    currency: row.currency,
    balanceMinor: BigInt(row.balance_minor),
    transactionCount: Number(row.transaction_count),
  }
}
