/** What balances and figures of a user cost who has far more than most, read as the API reads them. */
import type { PoolClient } from 'pg'
import { balanceStatement } from '../sink/queries-balances.ts'
import { freshDatabase } from './database.ts'
import { median, round, type reportOf } from './report.ts'

const USER = 'user-0'
const DAYS = 3_650

/** As processors leave them: transactions over ten years, in two accounts and fifteen categories, one in ten of them income. */
const FILL = [
  `INSERT INTO transactions (user_id, transaction_id, account_id, amount_minor, currency, booked_on, occurred_at,
                             category_id, category_source, confidence, needs_review, source, created_at, updated_at,
                             version, first_category_id, first_category_source)
   SELECT 'user-' || CASE WHEN n <= $1::int THEN 0 ELSE 1 + n % $3::int END, 't-' || n, 'a-' || n % 2,
          CASE WHEN n % 10 = 0 THEN 30000 + n ELSE -100 - n % 5000 END, 'NOK', date '2016-01-01' + n % ${DAYS}, now(),
          'c-' || n % 15, CASE WHEN n % 50 = 0 THEN 'user' ELSE 'rule' END, 0.9, false, 'import', now(), now(), 1,
          'c-' || n % 14, 'rule'
     FROM generate_series(1, $1::int + $2::int) n`,
  `INSERT INTO accounts SELECT DISTINCT user_id, account_id, 'checking', NULL, NULL, 'NOK', 0, 0, 'open', now(), now(), 1
     FROM transactions`,
  `INSERT INTO balance_history SELECT user_id, account_id, booked_on, sum(amount_minor), count(*)
     FROM transactions GROUP BY 1, 2, 3`,
  `INSERT INTO daily_aggregates SELECT user_id, booked_on, category_id, currency, -sum(amount_minor), count(*)
     FROM transactions WHERE amount_minor < 0 GROUP BY 1, 2, 3, 4`,
  `INSERT INTO daily_income SELECT user_id, booked_on, category_id, currency, sum(amount_minor), count(*)
     FROM transactions WHERE amount_minor > 0 GROUP BY 1, 2, 3, 4`,
  'VACUUM ANALYZE transactions, accounts, balance_history, daily_aggregates, daily_income',
]

const balance = balanceStatement(USER, 'a-1', '2025-12-31')
const QUERIES: readonly (readonly [name: string, text: string, values: readonly unknown[]])[] = [
  ['balance at the last day', balance.text, balance.values],
  ['balances by day, ten years', 'SELECT * FROM daily_balances WHERE user_id = $1', [USER]],
  ['category_usage', 'SELECT * FROM category_usage WHERE user_id = $1', [USER]],
  ['category_aggregates', 'SELECT * FROM category_aggregates WHERE user_id = $1', [USER]],
  ['monthly_aggregates, ten years', 'SELECT * FROM monthly_aggregates WHERE user_id = $1', [USER]],
  [
    'monthly_aggregates, one month',
    `SELECT * FROM monthly_aggregates WHERE user_id = $1 AND month = '2025-03-01'`,
    [USER],
  ],
  ['correction_statistics', 'SELECT * FROM correction_statistics WHERE user_id = $1', [USER]],
]

export async function figures(
  size: { readonly transactions: number; readonly others: number; readonly runs: number },
  report: ReturnType<typeof reportOf>,
): Promise<void> {
  const database = await freshDatabase()
  const client = await database.pool.connect()
  try {
    report.given(database.version, size)
    report.note(`figures: ${size.transactions} transactions of one user, ${size.others} of others`)
    for (const sql of FILL) {
      const values = sql.includes('$1') ? [size.transactions, size.others, 1_000] : []
      await client.query(sql, values)
    }
    await client.query(`SET ROLE saldo_api; SET saldo.user_id = '${USER}'`)
    for (const [name, text, values] of QUERIES) {
      const runs: Explained[] = []
      for (let run = 0; run < size.runs; run++) runs.push(await explained(client, text, values))
      const times = runs.map(({ ms }) => ms)
      report.line('figures', {
        query: name,
        rows: runs[0]?.rows,
        medianMs: round(median(times), 2),
        leastMs: round(Math.min(...times), 2),
        mostMs: round(Math.max(...times), 2),
        indexes: runs[0]?.indexes,
      })
    }
  } finally {
    client.release(true)
    await database.close()
  }
}

type Explained = { readonly ms: number; readonly rows: number; readonly indexes: readonly string[] }
type Plan = {
  readonly 'Actual Rows': number
  readonly 'Index Name'?: string
  readonly Plans?: readonly Plan[]
}

/** Planning and execution, without the clock readings that EXPLAIN makes for each row. */
async function explained(
  client: PoolClient,
  text: string,
  values: readonly unknown[],
): Promise<Explained> {
  const { rows } = await client.query<{
    'QUERY PLAN': { Plan: Plan; 'Planning Time': number; 'Execution Time': number }[]
  }>(`EXPLAIN (ANALYZE, TIMING off, FORMAT json) ${text}`, [...values])
  const plan = rows[0]?.['QUERY PLAN'][0]
  if (plan === undefined) throw new Error('EXPLAIN gave no plan')
  return {
    ms: plan['Planning Time'] + plan['Execution Time'],
    rows: plan.Plan['Actual Rows'],
    indexes: [...new Set(indexesOf(plan.Plan))],
  }
}

function indexesOf(plan: Plan): readonly string[] {
  const own = plan['Index Name'] === undefined ? [] : [plan['Index Name']]
  return [...own, ...(plan.Plans ?? []).flatMap(indexesOf)]
}
