import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../../../api/query/server.ts'
import { accountsStatement } from '../../../sink/queries-accounts.ts'
import type { Statement } from '../../../sink/queries-connection.ts'
import { spendingStatement } from '../../../sink/queries-spending.ts'
import { transactionsStatement } from '../../../sink/queries-transactions.ts'
import { describePostgres } from '../../support/postgres.ts'
import { get, SECRET, type Answer } from './client.ts'
import { openSeed, type Seed } from './seed.ts'

const USERS = 40
const ROWS_PER_USER = 250

describePostgres('pages of transactions', (database) => {
  let api: RunningApi
  let seed: Seed

  beforeAll(async () => {
    seed = await openSeed(database.url)
    api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
    // Seven rows share each date, so a page boundary falls inside a date.
    await seed.run(
      `INSERT INTO transactions (user_id, transaction_id, account_id, amount_minor, currency, booked_on,
                                 occurred_at, category_id, category_source, confidence, needs_review,
                                 source, created_at, updated_at, version)
       SELECT 'u-' || u, 't-' || n, 'a-' || n % 3, -n, 'EUR', date '2024-01-01' + n / 7, now(),
              'c-' || n % 5, 'rule', 1, false, 'import', now(), now(), 1
         FROM generate_series(1, ${USERS}) u, generate_series(1, ${ROWS_PER_USER}) n`,
    )
    await seed.run(
      `INSERT INTO daily_aggregates (user_id, booked_on, category_id, currency, total_minor, transaction_count)
       SELECT 'u-' || u, date '2024-01-01' + n, 'c-' || n % 5, 'EUR', n, 1
         FROM generate_series(1, ${USERS}) u, generate_series(1, ${ROWS_PER_USER}) n`,
    )
    await seed.run(
      `INSERT INTO accounts (user_id, account_id, kind, currency, balance_minor, transaction_count, status,
                             opened_at, updated_at, last_sequence)
       SELECT 'u-' || u, 'a-' || n, 'cash', 'EUR', 0, 0, 'open', now(), now(), 1
         FROM generate_series(1, 2000) u, generate_series(1, 3) n`,
    )
    await seed.run('ANALYZE')
  })
  afterAll(async () => {
    await api.close()
    await seed.close()
  })

  const list = (user: string, query: string): Promise<Answer> =>
    get(`${api.url}/v1/transactions?${query}`, { user })

  async function walk(user: string, query: string): Promise<readonly (readonly string[])[]> {
    const pages: (readonly string[])[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await list(user, cursor === '' ? query : `${query}&cursor=${cursor}`)
      pages.push(body.transactions.map(({ transactionId }) => transactionId))
      cursor = body.nextCursor
    }
    return pages
  }

  test.for([
    ['limit=17', ROWS_PER_USER],
    ['limit=100', ROWS_PER_USER],
    ['limit=50', ROWS_PER_USER],
    ['limit=9&account_id=a-1', 84],
    ['limit=10&category=c-2&from_date=2024-01-05&to_date=2024-01-20', 22],
  ] as const)('a walk with %s meets every row exactly once', async ([query, expected]) => {
    const pages = await walk('u-7', query)
    const ids = pages.flat()
    expect(ids).toHaveLength(expected)
    expect(new Set(ids).size).toBe(expected)
    expect(pages.at(-1)).not.toHaveLength(0)
  })

  test('a page has 50 rows unless another number is asked for', async () => {
    const { body } = await list('u-7', '')
    expect(body.transactions).toHaveLength(50)
  })

  test.for([
    ['another user', 'u-8', 'limit=5'],
    ['another account', 'u-7', 'limit=5&account_id=a-1'],
    ['other dates', 'u-7', 'limit=5&from_date=2024-01-01'],
  ] as const)('a cursor is refused for %s', async ([, user, query]) => {
    const { body: first } = await list('u-7', 'limit=5')
    const { status, body } = await list(user, `${query}&cursor=${first.nextCursor}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'SALDO_INPUT_INVALID', path: 'cursor' })
    expect(body.detail).toContain('made for another list')
  })

  test('a deleted transaction is on no page', async () => {
    await seed.run(
      `UPDATE transactions SET status = 'deleted' WHERE user_id = 'u-9' AND transaction_id <> 't-7'`,
    )
    expect((await walk('u-9', 'limit=3')).flat()).toEqual(['t-7'])
  })

  test('a cursor names no user', async () => {
    const { body } = await list('u-7', 'limit=5')
    expect(Buffer.from(body.nextCursor ?? '', 'base64url').toString()).not.toContain('u-7')
  })

  const page = { limit: 51 }
  const later = { limit: 51, after: { bookedOn: '2024-01-20', transactionId: 't-130' } }
  test.for([
    ['transactions', transactionsStatement('u-7', {}, page), 'transactions_by_date'],
    ['the next page', transactionsStatement('u-7', {}, later), 'transactions_by_date'],
    [
      'an account',
      transactionsStatement('u-7', { accountId: 'a-1' }, page),
      'transactions_by_date',
    ],
    [
      'a category',
      transactionsStatement('u-7', { categoryId: 'c-1' }, page),
      'transactions_by_date',
    ],
    [
      'dates',
      transactionsStatement('u-7', { fromDate: '2024-01-05', toDate: '2024-01-09' }, page),
      'transactions_by_date',
    ],
    [
      'spending',
      spendingStatement('u-7', { from: '2024-02', to: '2024-02' }),
      'daily_aggregates_pkey',
    ],
    ['accounts', accountsStatement('u-7'), 'accounts_pkey'],
  ] as const)('%s are read through an index', async ([, statement, index]) => {
    const plan = await explain(seed, statement)
    expect(plan).toContain(index)
    expect(plan).not.toContain('Seq Scan')
  })

  test.for([{ accountId: 'a-1' }, { categoryId: 'c-1' }])(
    'a filter by %o is answered in the index, not by visits to rows of others',
    async (filter) => {
      const plan = await explain(seed, transactionsStatement('u-7', filter, page))
      expect(plan).toMatch(/Index Cond: .*(account_id|category_id)/)
      // Of a category's own rows, those that are split count elsewhere; there is no visit to rows of others.
      const filters = plan.split('\n').filter((line) => line.includes('Filter'))
      expect(filters.every((line) => /parts IS NULL|part_category_ids/.test(line))).toBe(true)
    },
  )

  test('a page is read in the order of its index, without a sort', async () => {
    expect(await explain(seed, transactionsStatement('u-7', {}, later))).not.toContain('Sort')
  })
})

async function explain(seed: Seed, { text, values }: Statement): Promise<string> {
  const { rows } = await seed.run(`EXPLAIN ${text}`, values)
  return rows.map((row: { 'QUERY PLAN': string }) => row['QUERY PLAN']).join('\n')
}
