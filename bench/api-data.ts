/** What the API bench asks about: accounts and budgets by the engine, and a history that nobody would wait for by COPY. */
import type { Pool } from 'pg'
import { copyInto } from '../sink/copy-rows.ts'
import { columnList, columnsOf, tables, type Row, type Value } from '../sink/tables.ts'
import type { NewRecord } from '../topology/log/log.ts'
import { amountOf, commandOf, transactionOf, userOf, uuidOf, type Workload } from './workload.ts'

export const BUDGETED = ['groceries', 'dining', 'transport'] as const
const CATEGORIES = [...BUDGETED, 'health', 'subscriptions', 'uncategorized'] as const
const DAY_MS = 86_400_000
/** Two years. */
const DAYS = 730

/** Budgets that hold in every month. */
export function* setBudgets(workload: Workload): Generator<NewRecord> {
  for (let user = 0; user < workload.users; user++) {
    for (const categoryId of BUDGETED) {
      const budgetId = `b-${categoryId}`
      yield commandOf(userOf(user, workload), `budget ${user} ${categoryId}`, workload.partitions, {
        type: 'SetBudget',
        budgetId,
        categoryId,
        currency: 'NOK',
        month: null,
        amountMinor: 500_000n,
        thresholds: null,
        name: null,
      })
    }
  }
}

/**
 * Rows as the table writers leave them, in the order of their time: users take turns, so the rows of a user lie apart, as
 * they do after two years. They have no events, and neither balances nor budgets know of them.
 */
export async function loadTransactions(
  pool: Pool,
  transactions: number,
  workload: Workload,
): Promise<void> {
  const { name, columns } = tables.transactions
  const names = columnsOf(tables.transactions)
  const now = Date.now()
  function* rows(): Generator<Row[string][]> {
    for (let index = 0; index < transactions; index++) {
      const at = now - Math.floor((1 - index / transactions) * DAYS) * DAY_MS - DAY_MS
      const row: Row = transactionRow(index, at, userOf(index, workload))
      yield names.map((column) => row[column] ?? null)
    }
  }
  const client = await pool.connect()
  try {
    await copyInto(client, `${name} (${columnList(names)})`, Object.values(columns), rows())
  } finally {
    client.release()
  }
  await pool.query(`VACUUM ANALYZE ${name}`)
  await pool.query('CHECKPOINT')
}

/** Every column: one that is new is told by the compiler. */
type TransactionRow = { readonly [column in keyof typeof tables.transactions.columns]: Value }

function transactionRow(index: number, at: number, userId: string): TransactionRow {
  const { accountId, currency, description, source } = transactionOf(index, at)
  const categoryId = CATEGORIES[index % CATEGORIES.length] ?? 'uncategorized'
  return {
    user_id: userId,
    transaction_id: uuidOf(`loaded ${index}`),
    account_id: accountId,
    amount_minor: amountOf(index),
    currency,
    booked_on: Math.floor(at / DAY_MS),
    occurred_at: at,
    description,
    category_id: categoryId,
    category_source: 'rule',
    confidence: 0.9,
    needs_review: categoryId === 'uncategorized',
    source,
    created_at: at,
    updated_at: at,
    version: 1,
    kind: 'ordinary',
    status: 'recorded',
    merchant: null,
    counterparty: null,
    note: null,
    linked_transaction_id: null,
    parts: null,
    part_category_ids: null,
    first_category_id: categoryId,
    first_category_source: 'rule',
  }
}
