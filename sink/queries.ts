/**
 * The read side: the only SQL the API can reach.
 *
 * Invariant: every statement that reads a user's data is filtered by `user_id` first, every value is
 * a parameter, and the connections can only read, and only the rows of the user that they are asked for.
 */
import { accountOf, accountsStatement, accountStatement } from './queries-accounts.ts'
import type { Account, AccountRow } from './queries-accounts.ts'
import { commandOutcomeOf, commandOutcomeStatement } from './queries-commands.ts'
import type { CommandOutcome, CommandOutcomeRow } from './queries-commands.ts'
import { openReadConnections } from './queries-connection.ts'
import type { ConnectionUse } from './postgres/pool.ts'
import { spendingOf, spendingStatement } from './queries-spending.ts'
import type { MonthRange, Spending, SpendingRow } from './queries-spending.ts'
import { transactionOf, transactionsStatement } from './queries-transactions.ts'
import type {
  Transaction,
  TransactionFilter,
  TransactionPage,
  TransactionRow,
} from './queries-transactions.ts'

/** Each throws SALDO_DATABASE_UNAVAILABLE when the database does not answer. */
export type Queries = {
  accounts(userId: string): Promise<readonly Account[]>
  account(userId: string, accountId: string): Promise<Account | undefined>
  transactions(
    userId: string,
    filter: TransactionFilter,
    page: TransactionPage,
  ): Promise<readonly Transaction[]>
  spending(userId: string, months: MonthRange): Promise<readonly Spending[]>
  commandOutcome(userId: string, commandId: string): Promise<CommandOutcome | undefined>
  /** When the table that waited longest was last written; undefined before the first event. */
  freshness(): Promise<number | undefined>
  /** How many migrations the database has. */
  migrations(): Promise<number>
  use(): ConnectionUse
  close(): Promise<void>
}

const FRESHNESS = `SELECT min(updated_at) AS as_of FROM progress WHERE consumer LIKE 'tables:%'`

const MIGRATIONS = 'SELECT count(*) AS count FROM schema_migrations'

/** Connects at the first query, not before. */
export function openQueries(databaseUrl: string, options: { readonly max: number }): Queries {
  const database = openReadConnections(databaseUrl, { role: 'api', max: options.max })
  return {
    async accounts(userId) {
      const rows = await database.rows<AccountRow>(userId, accountsStatement(userId))
      return rows.map(accountOf)
    },
    async account(userId, accountId) {
      const [row] = await database.rows<AccountRow>(userId, accountStatement(userId, accountId))
      return row === undefined ? undefined : accountOf(row)
    },
    async transactions(userId, filter, page) {
      const statement = transactionsStatement(userId, filter, page)
      return (await database.rows<TransactionRow>(userId, statement)).map(transactionOf)
    },
    async spending(userId, months) {
      const rows = await database.rows<SpendingRow>(userId, spendingStatement(userId, months))
      return rows.map(spendingOf)
    },
    async commandOutcome(userId, commandId) {
      const statement = commandOutcomeStatement(userId, commandId)
      const [row] = await database.rows<CommandOutcomeRow>(userId, statement)
      return row === undefined ? undefined : commandOutcomeOf(row)
    },
    async freshness() {
      const [row] = await database.shared<{ as_of: Date | null }>({ text: FRESHNESS, values: [] })
      return row?.as_of?.getTime()
    },
    async migrations() {
      const [row] = await database.shared<{ count: bigint }>({ text: MIGRATIONS, values: [] })
      return Number(row?.count ?? 0)
    },
    use: () => database.use(),
    close: () => database.close(),
  }
}
