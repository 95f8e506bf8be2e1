/**
 * Goal: no filter of a user makes a query read what is not that user's.
 * Method: every statement of the read side is planned as the role of the API, with the walls in place, on tables of many
 * users. SALDO_TEST_PLAN_ROWS=5000000 makes them as large as those of the bench; the plans have to be the same.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountsStatement, accountStatement } from '../../../sink/queries-accounts.ts'
import {
  spendingGroupings,
  spendingSumsStatement,
  totalStatement,
} from '../../../sink/queries-analytics.ts'
import { balanceStatement } from '../../../sink/queries-balances.ts'
import { budgetsStatement } from '../../../sink/queries-budgets.ts'
import { categoriesStatement, categoryUsageStatement } from '../../../sink/queries-categories.ts'
import { commandOutcomeStatement } from '../../../sink/queries-commands.ts'
import type { Statement } from '../../../sink/queries-connection.ts'
import { aggregateEventsStatement } from '../../../sink/queries-events.ts'
import { historyStatement } from '../../../sink/queries-history.ts'
import { spendingStatement } from '../../../sink/queries-spending.ts'
import {
  lookedThroughStatement,
  transactionsStatement,
  transactionStatement,
  type TransactionFilter,
} from '../../../sink/queries-transactions.ts'
import { describePostgres } from '../../support/postgres.ts'
import { openSeed, type Seed } from './seed.ts'

const ROWS_PER_USER = 200
const USERS = Number(process.env['SALDO_TEST_PLAN_ROWS'] ?? 20_000) / ROWS_PER_USER
const USER = 'u-7'
// The tables of the full size take minutes to fill.
const FILL_TIMEOUT_MS = 3_600_000

const filters: readonly TransactionFilter[] = [
  {},
  { accountId: 'a-1' },
  { categoryId: 'c-1' },
  { fromDate: '2024-01-05', toDate: '2024-01-09' },
  { minAmount: '-10' },
  { maxAmount: '-100000', minAmount: '-200000' },
  { words: ['nowhere'] },
  {
    words: ['no', 'where'],
    categoryId: 'rare',
    accountId: 'a-1',
    minAmount: '1',
    needsReview: false,
  },
  { needsReview: true },
  { needsReview: true, categoryId: 'c-1' },
]
const after = { bookedOn: '2024-01-20', transactionId: 't-130' }
const days = { from: '2024-01-01', to: '2024-01-31' }
const span = { transactionId: 't-7', createdAt: 0, updatedAt: Date.parse('2030-01-01') }
const events = { fromVersion: 1, limit: 101 }

const statements: readonly (readonly [string, Statement])[] = [
  ...filters.flatMap((filter) => {
    const name = JSON.stringify(filter)
    return [
      [`transactions ${name}`, transactionsStatement(USER, filter, { limit: 51 })],
      [
        `the next page of ${name}`,
        transactionsStatement(USER, filter, { limit: 51, after, until: after }),
      ],
      [`page 3 of ${name}`, transactionsStatement(USER, filter, { limit: 51, skip: 100 })],
      [
        `what is looked through for ${name}`,
        lookedThroughStatement(USER, filter, { rows: 5_000, after }),
      ],
    ] as const
  }),
  ['a transaction', transactionStatement(USER, 't-7')],
  ['its history', historyStatement(USER, span, 100)],
  [
    'the events of a transaction',
    aggregateEventsStatement(USER, { type: 'transaction', id: 't-7' }, events),
  ],
  [
    'the events of an account',
    aggregateEventsStatement(USER, { type: 'account', id: 'a-1' }, events),
  ],
  ['accounts', accountsStatement(USER)],
  ['an account', accountStatement(USER, 'a-1')],
  ['a balance', balanceStatement(USER, 'a-1', '2024-01-31')],
  ['categories', categoriesStatement(USER)],
  ['the use of categories', categoryUsageStatement(USER)],
  ['budgets', budgetsStatement(USER, '2024-01')],
  ['spending', spendingStatement(USER, { from: '2024-01', to: '2024-02' })],
  ...spendingGroupings.map(
    (grouping) =>
      [`spending by ${grouping}`, spendingSumsStatement(USER, days, grouping, 1_001)] as const,
  ),
  ['a total', totalStatement(USER, {})],
  ['an outcome', commandOutcomeStatement(USER, 'command-7')],
]

/** Two numbers, u and n, for every row. */
const ROWS = `FROM generate_series(1, ${USERS}) u, generate_series(1, ${ROWS_PER_USER}) n`
const tables: readonly string[] = [
  `INSERT INTO transactions (user_id, transaction_id, account_id, amount_minor, currency, booked_on, occurred_at, category_id,
                             category_source, confidence, needs_review, source, parts, part_category_ids, created_at,
                             updated_at, version)
   SELECT 'u-' || u, 't-' || n, 'a-' || n % 3, -n, 'EUR', date '2024-01-01' + n / 7, now(), 'c-' || n % 5, 'rule', 1, n % 10 = 0,
          'import', CASE WHEN n % 50 = 0 THEN json '[{"categoryId":"c-1","amountMinor":"-1"}]' END,
          CASE WHEN n % 50 = 0 THEN ARRAY['c-1'] END, now(), now(), 1 ${ROWS}`,
  `INSERT INTO transaction_events (user_id, transaction_id, version, event_id, sequence, type, account_id, kind, amount_minor,
                                   currency, booked_on, category_id, occurred_at, recorded_at, initiator_kind)
   SELECT 'u-' || u, 't-' || n, 1, gen_random_uuid(), n, 'created', 'a-1', 'ordinary', -n, 'EUR', '2024-01-01', 'c-1',
          now(), timestamptz '2024-01-01' + n * interval '1 hour', 'user' ${ROWS}`,
  `INSERT INTO events (user_id, sequence, event_id, aggregate_type, aggregate_id, version, event_type, occurred_at, recorded_at,
                       command_id, partition, "offset", event)
   SELECT 'u-' || u, n, gen_random_uuid(), CASE WHEN n % 20 = 0 THEN 'account' ELSE 'transaction' END, 't-' || n, 1,
          'TransactionCreated', now(), timestamptz '2024-01-01' + n * interval '1 hour', 'c', 0, n, 'x' ${ROWS}`,
  `INSERT INTO accounts (user_id, account_id, kind, currency, balance_minor, transaction_count, status, opened_at, updated_at,
                         last_sequence)
   SELECT 'u-' || u, 'a-' || n, 'cash', 'EUR', 0, 0, 'open', now(), now(), 1 ${ROWS}`,
  `INSERT INTO categories (user_id, category_id, name, status, created_at, updated_at, version)
   SELECT 'u-' || u, 'c-' || n, 'name', 'active', now(), now(), 1 ${ROWS}`,
  `INSERT INTO balance_history SELECT 'u-' || u, 'a-' || n % 3, date '2024-01-01' + n, 1, 1 ${ROWS}`,
  ...['daily_aggregates', 'daily_income'].map(
    (table) =>
      `INSERT INTO ${table} SELECT 'u-' || u, date '2024-01-01' + n, 'c-' || n % 5, 'EUR', n, 1 ${ROWS}`,
  ),
  `INSERT INTO budget_status (user_id, month, category_id, currency, standing, thresholds, latched, spent_minor,
                              transaction_count, updated_at)
   SELECT 'u-' || u, '2024-01', 'c-' || n, 'EUR', false, '{}', '{}', 0, 0, now() ${ROWS}`,
  `INSERT INTO command_outcomes (user_id, command_id, verdict, recorded_at, partition, command_offset, event_ids)
   SELECT 'u-' || u, 'command-' || n, 'accepted', now(), 0, 1, '{}' ${ROWS}`,
]

describePostgres('the plans of the read side', (database) => {
  let seed: Seed

  beforeAll(async () => {
    seed = await openSeed(database.url)
    for (const insert of tables) await seed.run(insert)
    await seed.run('ANALYZE')
    await seed.run('SET ROLE saldo_api')
    await seed.run(`SELECT set_config('saldo.user_id', $1, false)`, [USER])
  }, FILL_TIMEOUT_MS)
  afterAll(() => seed.close())

  test.for(statements)('%s: through an index, by the user first', async ([, { text, values }]) => {
    const { rows } = await seed.run(`EXPLAIN ${text}`, values)
    const plan = rows.map((row: { 'QUERY PLAN': string }) => row['QUERY PLAN'])
    expect(plan.filter((line) => line.includes('Seq Scan'))).toEqual([])
    const scans = plan.filter((line) => /Index (?:Only )?Scan/.test(line)).length
    const byUser = plan.filter((line) => /Index Cond: .*user_id = /.test(line)).length
    expect(scans).toBeGreaterThan(0)
    expect({ plan, byUser }).toEqual({ plan, byUser: scans })
  })
})
