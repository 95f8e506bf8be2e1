/**
 * The read side: the only SQL the API can reach.
 *
 * Invariant: every statement that reads a user's data is filtered by `user_id` first, every value is
 * a parameter, and the connections can only read, and only the rows of the user that they are asked for.
 */
import type { LedgerEvent } from '../schemas/types.ts'
import { accountOf, accountsStatement, accountStatement } from './queries-accounts.ts'
import type { Account, AccountRow } from './queries-accounts.ts'
import {
  spendingSumsOf,
  spendingSumsStatement,
  spentOf,
  totalStatement,
} from './queries-analytics.ts'
import type {
  DayRange,
  SpendingGrouping,
  SpendingSumRow,
  SpendingSums,
  Spent,
  SpentRow,
} from './queries-analytics.ts'
import { balanceOf, balanceStatement } from './queries-balances.ts'
import type { Balance, BalanceRow } from './queries-balances.ts'
import { budgetOf, budgetsStatement } from './queries-budgets.ts'
import type { BudgetRow, BudgetStatus } from './queries-budgets.ts'
import {
  categoriesStatement,
  categoryOf,
  categoryUsageOf,
  categoryUsageStatement,
} from './queries-categories.ts'
import type {
  Category,
  CategoryRow,
  CategoryUsage,
  CategoryUsageRow,
} from './queries-categories.ts'
import { commandOutcomeOf, commandOutcomeStatement } from './queries-commands.ts'
import type { CommandOutcome, CommandOutcomeRow } from './queries-commands.ts'
import { openReadConnections } from './queries-connection.ts'
import type { ConnectionUse } from './postgres/pool.ts'
import { aggregateEventsStatement, eventOf } from './queries-events.ts'
import type { AggregateName, EventPage, EventRow } from './queries-events.ts'
import { freshnessOf, freshnessStatement, sharedRead } from './queries-freshness.ts'
import type { Freshness, FreshnessRow } from './queries-freshness.ts'
import { historyStatement, transactionVersionOf } from './queries-history.ts'
import type { HistoryRow, TransactionSpan, TransactionVersion } from './queries-history.ts'
import { spendingOf, spendingStatement } from './queries-spending.ts'
import type { MonthRange, Spending, SpendingRow } from './queries-spending.ts'
import {
  lookedThroughStatement,
  needsLooking,
  positionOf,
  transactionOf,
  transactionsStatement,
  transactionStatement,
} from './queries-transactions.ts'
import type {
  PositionRow,
  Transaction,
  TransactionFilter,
  TransactionPage,
  TransactionPosition,
  TransactionRow,
} from './queries-transactions.ts'

/** Each throws SALDO_DATABASE_UNAVAILABLE when the database does not answer. */
export type Queries = {
  accounts(userId: string): Promise<readonly Account[]>
  account(userId: string, accountId: string): Promise<Account | undefined>
  /** At the end of a day, an ISO date. */
  balance(userId: string, accountId: string, on: string): Promise<Balance | undefined>
  transactions(
    userId: string,
    filter: TransactionFilter,
    page: TransactionPage,
  ): Promise<TransactionList>
  transaction(userId: string, transactionId: string): Promise<Transaction | undefined>
  /** The first of its versions, oldest first. */
  history(
    userId: string,
    transaction: TransactionSpan,
    limit: number,
  ): Promise<readonly TransactionVersion[]>
  categories(userId: string): Promise<{
    readonly categories: readonly Category[]
    readonly usage: readonly CategoryUsage[]
  }>
  /** Of a month, YYYY-MM. */
  budgets(userId: string, month: string): Promise<readonly BudgetStatus[]>
  /** Undefined for who has set none. */
  timeZone(userId: string): Promise<string | undefined>
  spending(userId: string, months: MonthRange): Promise<readonly Spending[]>
  spendingSums(
    userId: string,
    days: { readonly from: string; readonly to: string },
    by: { readonly grouping: SpendingGrouping; readonly groupsMax: number },
  ): Promise<SpendingSums>
  totals(userId: string, days: DayRange): Promise<readonly Spent[]>
  /** Of the version given on; undefined when there is no such aggregate. */
  aggregateEvents(
    userId: string,
    aggregate: AggregateName,
    page: EventPage,
  ): Promise<readonly LedgerEvent[] | undefined>
  commandOutcome(userId: string, commandId: string): Promise<CommandOutcome | undefined>
  freshness(userId: string): Promise<Freshness>
  /** How many migrations the database has. */
  migrations(): Promise<number>
  use(): ConnectionUse
  close(): Promise<void>
}

export type TransactionList = {
  readonly transactions: readonly Transaction[]
  /** Where looking ended before the list did. */
  readonly lookedUntil?: TransactionPosition | undefined
}

/** How many rows of a user one request looks through for what no index answers (bench/README.md). */
export const ROWS_LOOKED_THROUGH_MAX = 5_000

const MIGRATIONS = 'SELECT count(*) AS count FROM schema_migrations'

/** Connects at the first query, not before. */
export function openQueries(databaseUrl: string, options: { readonly max: number }): Queries {
  const database = openReadConnections(databaseUrl, { role: 'api', max: options.max })
  const progress = sharedRead(() => database.shared<FreshnessRow>(freshnessStatement))

  async function lookedThrough(
    userId: string,
    filter: TransactionFilter,
    { after }: TransactionPage,
  ): Promise<TransactionPosition | undefined> {
    const part = { after, rows: ROWS_LOOKED_THROUGH_MAX }
    const statement = lookedThroughStatement(userId, filter, part)
    const [row] = await database.rows<PositionRow>(userId, statement)
    return row === undefined ? undefined : positionOf(row)
  }
  return {
    async accounts(userId) {
      const rows = await database.rows<AccountRow>(userId, accountsStatement(userId))
      return rows.map(accountOf)
    },
    async account(userId, accountId) {
      const [row] = await database.rows<AccountRow>(userId, accountStatement(userId, accountId))
      return row === undefined ? undefined : accountOf(row)
    },
    async balance(userId, accountId, on) {
      const statement = balanceStatement(userId, accountId, on)
      const [row] = await database.rows<BalanceRow>(userId, statement)
      return row === undefined ? undefined : balanceOf(row)
    },
    async transactions(userId, filter, page) {
      const lookedUntil = needsLooking(filter)
        ? await lookedThrough(userId, filter, page)
        : undefined
      const statement = transactionsStatement(userId, filter, { ...page, until: lookedUntil })
      const rows = await database.rows<TransactionRow>(userId, statement)
      return { transactions: rows.map(transactionOf), lookedUntil }
    },
    async transaction(userId, transactionId) {
      const statement = transactionStatement(userId, transactionId)
      const [row] = await database.rows<TransactionRow>(userId, statement)
      return row === undefined ? undefined : transactionOf(row)
    },
    async categories(userId) {
      const [own, used] = await Promise.all([
        database.rows<CategoryRow>(userId, categoriesStatement(userId)),
        database.rows<CategoryUsageRow>(userId, categoryUsageStatement(userId)),
      ])
      return { categories: own.map(categoryOf), usage: used.map(categoryUsageOf) }
    },
    async timeZone(userId) {
      const [row] = await database.rows<{ time_zone: string }>(userId, {
        text: 'SELECT time_zone FROM profiles WHERE user_id = $1',
        values: [userId],
      })
      return row?.time_zone
    },
    async budgets(userId, month) {
      const rows = await database.rows<BudgetRow>(userId, budgetsStatement(userId, month))
      return rows.map(budgetOf)
    },
    async spending(userId, months) {
      const rows = await database.rows<SpendingRow>(userId, spendingStatement(userId, months))
      return rows.map(spendingOf)
    },
    async spendingSums(userId, days, { grouping, groupsMax }) {
      const statement = spendingSumsStatement(userId, days, grouping, groupsMax)
      return spendingSumsOf(await database.rows<SpendingSumRow>(userId, statement))
    },
    async totals(userId, days) {
      const rows = await database.rows<SpentRow>(userId, totalStatement(userId, days))
      return rows.map(spentOf)
    },
    async history(userId, transaction, limit) {
      const statement = historyStatement(userId, transaction, limit)
      return (await database.rows<HistoryRow>(userId, statement)).map(transactionVersionOf)
    },
    async aggregateEvents(userId, aggregate, page) {
      const read = (part: EventPage): Promise<readonly EventRow[]> =>
        database.rows<EventRow>(userId, aggregateEventsStatement(userId, aggregate, part))
      const rows = await read(page)
      if (rows.length > 0) return rows.map(eventOf)
      return (await read({ fromVersion: 1, limit: 1 })).length > 0 ? [] : undefined
    },
    async commandOutcome(userId, commandId) {
      const statement = commandOutcomeStatement(userId, commandId)
      const [row] = await database.rows<CommandOutcomeRow>(userId, statement)
      return row === undefined ? undefined : commandOutcomeOf(row)
    },
    freshness: async (userId) => freshnessOf(await progress(), userId),
    async migrations() {
      const [row] = await database.shared<{ count: bigint }>({ text: MIGRATIONS, values: [] })
      return Number(row?.count ?? 0)
    },
    use: () => database.use(),
    close: () => database.close(),
  }
}
