import type { Statement } from './queries-connection.ts'

export type Account = {
  readonly accountId: string
  readonly kind: string
  readonly name: string | null
  readonly bankName: string | null
  readonly currency: string
  readonly balanceMinor: bigint
  readonly transactionCount: number
  readonly status: string
  readonly openedAt: number
  readonly updatedAt: number
}

const COLUMNS = `account_id, kind, name, bank_name, currency, balance_minor, transaction_count,
                 status, opened_at, updated_at`

/** Oldest first: an account keeps its place for ever. */
export function accountsStatement(userId: string): Statement {
  return {
    text: `SELECT ${COLUMNS} FROM accounts WHERE user_id = $1 ORDER BY opened_at, account_id`,
    values: [userId],
  }
}

export function accountStatement(userId: string, accountId: string): Statement {
  return {
    text: `SELECT ${COLUMNS} FROM accounts WHERE user_id = $1 AND account_id = $2`,
    values: [userId, accountId],
  }
}

export type AccountRow = {
  readonly account_id: string
  readonly kind: string
  readonly name: string | null
  readonly bank_name: string | null
  readonly currency: string
  readonly balance_minor: string
  readonly transaction_count: bigint
  readonly status: string
  readonly opened_at: Date
  readonly updated_at: Date
}

export function accountOf(row: AccountRow): Account {
  return {
    accountId: row.account_id,
    kind: row.kind,
    name: row.name,
    bankName: row.bank_name,
    currency: row.currency,
    balanceMinor: BigInt(row.balance_minor),
    transactionCount: Number(row.transaction_count),
    status: row.status,
    openedAt: row.opened_at.getTime(),
    updatedAt: row.updated_at.getTime(),
  }
}
