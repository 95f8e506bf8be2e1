import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../../../api/query/server.ts'
import { describePostgres } from '../../support/postgres.ts'
import { get, SECRET, type Answer } from './client.ts'
import { openSeed, type Seed } from './seed.ts'

const COMMAND = '0b6f1f0e-6f0a-4f6e-9a6b-3f1d2c4b5a69'
const NOT_A_COMMAND = '7b6f1f0e-6f0a-4f6e-9a6b-3f1d2c4b5a69'

describePostgres('the query API', (database) => {
  let api: RunningApi
  let seed: Seed

  beforeAll(async () => {
    seed = await openSeed(database.url)
    api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
    await seed.account({ userId: 'ana', accountId: 'a-1', balanceMinor: -9_007_199_254_740_993n })
    await seed.account({ userId: 'ana', accountId: 'a-2', currency: 'JPY', name: null })
    await seed.account({ userId: 'ben', accountId: 'b-1', name: 'Secret of Ben' })
    await seed.transaction({ userId: 'ana', transactionId: 't-1', bookedOn: '2024-02-29' })
    await seed.transaction({
      userId: 'ana',
      transactionId: 't-2',
      accountId: 'a-2',
      amountMinor: 500n,
      currency: 'JPY',
      bookedOn: '2024-03-01',
      categoryId: 'income',
    })
    await seed.transaction({ userId: 'ben', transactionId: 't-1', description: 'Secret of Ben' })
    await seed.spending({
      userId: 'ana',
      bookedOn: '2024-02-01',
      categoryId: 'groceries',
      totalMinor: 1_000n,
    })
    await seed.spending({
      userId: 'ana',
      bookedOn: '2024-02-29',
      categoryId: 'groceries',
      totalMinor: 250n,
    })
    await seed.spending({
      userId: 'ana',
      bookedOn: '2024-02-29',
      categoryId: 'dining',
      totalMinor: 7n,
      currency: 'JPY',
    })
    await seed.spending({
      userId: 'ana',
      bookedOn: '2024-03-01',
      categoryId: 'groceries',
      totalMinor: 99n,
    })
    await seed.spending({
      userId: 'ben',
      bookedOn: '2024-02-29',
      categoryId: 'groceries',
      totalMinor: 66_600n,
    })
    await seed.outcome({
      userId: 'ana',
      commandId: COMMAND,
      verdict: 'rejected',
      code: 'account-not-open',
    })
    await seed.progress('tables:transactions', '2024-05-01T10:00:02Z')
    await seed.progress('tables:accounts', '2024-05-01T10:00:01Z')
    await seed.progress('checkpoints', '2020-01-01T00:00:00Z')
  })
  afterAll(async () => {
    await api.close()
    await seed.close()
  })

  const as = (user: string, path: string): Promise<Answer> => get(`${api.url}${path}`, { user })

  test('accounts are listed with exact balances in decimals of their currency', async () => {
    const { status, body } = await as('ana', '/v1/accounts')
    expect(status).toBe(200)
    expect(body).toEqual({
      accounts: [
        {
          accountId: 'a-1',
          kind: 'checking',
          name: 'Everyday',
          bankName: null,
          currency: 'EUR',
          balance: '-90071992547409.93',
          transactionCount: 3,
          status: 'open',
          openedAt: '2024-05-01T10:00:00.123Z',
          updatedAt: '2024-05-01T10:00:00.123Z',
        },
        expect.objectContaining({ accountId: 'a-2', name: null, balance: '0', currency: 'JPY' }),
      ],
      asOf: '2024-05-01T10:00:01.000Z',
      offset: '0',
    })
  })

  test('one account is found by its id', async () => {
    const { status, body } = await as('ana', '/v1/accounts/a-2')
    expect(status).toBe(200)
    expect(body.account).toMatchObject({ accountId: 'a-2', currency: 'JPY' })
  })

  test('transactions are listed newest first', async () => {
    const { status, body } = await as('ana', '/v1/transactions')
    expect(status).toBe(200)
    expect(body.nextCursor).toBeNull()
    expect(body.transactions).toEqual([
      expect.objectContaining({ transactionId: 't-2', amount: '500', bookedOn: '2024-03-01' }),
      {
        transactionId: 't-1',
        accountId: 'a-1',
        amount: '-12.50',
        currency: 'EUR',
        bookedOn: '2024-02-29',
        occurredAt: '2024-05-01T10:00:00.123Z',
        description: 'CORNER SHOP',
        merchant: null,
        counterparty: null,
        note: null,
        categoryId: 'groceries',
        categorySource: 'rule',
        confidence: 0.95,
        needsReview: false,
        source: 'manual',
        kind: 'ordinary',
        linkedTransactionId: null,
        parts: [],
        status: 'recorded',
        createdAt: '2024-05-01T10:00:00.123Z',
        updatedAt: '2024-05-01T10:00:00.123Z',
        version: 1,
      },
    ])
  })

  test.for([
    ['account_id=a-1', ['t-1']],
    ['category=income', ['t-2']],
    ['from_date=2024-03-01', ['t-2']],
    ['to_date=2024-02-29', ['t-1']],
    ['from_date=2024-02-29&to_date=2024-03-01', ['t-2', 't-1']],
    ['account_id=a-1&category=income', []],
    ['account_id=b-1', []],
  ] as const)('transactions are filtered by %s', async ([query, ids]) => {
    const { body } = await as('ana', `/v1/transactions?${query}`)
    expect(body.transactions.map(({ transactionId }) => transactionId)).toEqual(ids)
  })

  test('spending is summed by month, category and currency', async () => {
    const { status, body } = await as('ana', '/v1/spending?month=2024-02')
    expect(status).toBe(200)
    expect(body).toEqual({
      from: '2024-02',
      to: '2024-02',
      spending: [
        {
          month: '2024-02',
          categoryId: 'dining',
          currency: 'JPY',
          amount: '7',
          transactionCount: 2,
        },
        {
          month: '2024-02',
          categoryId: 'groceries',
          currency: 'EUR',
          amount: '12.50',
          transactionCount: 4,
        },
      ],
      asOf: '2024-05-01T10:00:01.000Z',
      offset: '0',
    })
  })

  test('spending over several months keeps the months apart', async () => {
    const { body } = await as('ana', '/v1/spending?from=2024-02&to=2024-12')
    expect(body.spending.map(({ month, amount }) => [month, amount])).toEqual([
      ['2024-02', '7'],
      ['2024-02', '12.50'],
      ['2024-03', '0.99'],
    ])
  })

  test('the outcome of a command is found by its id', async () => {
    const { status, body } = await as('ana', `/v1/commands/${COMMAND}`)
    expect(status).toBe(200)
    expect(body.command).toEqual({
      commandId: COMMAND,
      verdict: 'rejected',
      recordedAt: '2024-05-01T10:00:00.123Z',
      aggregateType: null,
      aggregateId: null,
      version: null,
      eventIds: [],
      firstSequence: null,
      path: null,
      code: 'account-not-open',
      sentence: null,
    })
  })

  test.for([
    ['/v1/accounts', 'accounts'],
    ['/v1/transactions', 'transactions'],
    ['/v1/spending?month=2024-02', 'spending'],
  ] as const)('a user without rows gets an empty list from %s', async ([path, list]) => {
    const { status, body } = await as('nobody', path)
    expect(status).toBe(200)
    expect(body[list]).toEqual([])
  })

  test.for([
    ['ana', '/v1/accounts/a-9'],
    ['ana', '/v1/accounts/b-1'],
    ['ana', `/v1/commands/${NOT_A_COMMAND}`],
    ['ben', `/v1/commands/${COMMAND}`],
  ] as const)('%s finds nothing at %s, whoever owns it', async ([user, path]) => {
    const { status, body, headers } = await as(user, path)
    expect(status).toBe(404)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toMatchObject({ code: 'not-found', status: 404, title: 'Not Found' })
  })

  test.for([
    ['/v1/accounts'],
    ['/v1/transactions'],
    ['/v1/transactions?account_id=b-1'],
    ['/v1/spending?from=2024-01&to=2024-12'],
  ])("another user's data never appears in %s", async ([path = '']) => {
    const { status, body } = await as('ana', path)
    expect(status).toBe(200)
    expect(JSON.stringify(body)).not.toMatch(/Ben|b-1|666/)
  })

  test('an answer may not be kept by a cache and names no server', async () => {
    const { headers } = await as('ana', '/v1/accounts')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('server')).toBeNull()
    expect(headers.get('x-powered-by')).toBeNull()
  })

  test('metrics name the route and never the id in its address', async () => {
    await as('ana', '/v1/accounts/a-2')
    const { text } = await get(`${api.url}/metrics`)
    expect(text).toMatch(
      /saldo_http_request_seconds_count\{method="GET",route="\/v1\/accounts\/:accountId",status="200"\} \d/,
    )
    expect(text).not.toContain('a-2')
  })

  test('it is ready when its tables can be read', async () => {
    const { status, body } = await get(`${api.url}/health/ready`)
    expect(status).toBe(200)
    expect(body).toEqual({ status: 'ready', checks: [{ name: 'database', ready: true }] })
  })

  test('an error of ours tells nothing of the inside', async () => {
    await seed.account({ userId: 'odd', accountId: 'o-1', currency: 'XQQ' })
    const { status, body } = await as('odd', '/v1/accounts')
    expect(status).toBe(500)
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      code: 'internal-error',
      detail: 'an error of ours: it is in the log of the server',
    })
  })
})

describePostgres(
  'the query API over a database without tables',
  (database) => {
    test('it is not ready', async () => {
      const api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
      try {
        const { status, body } = await get(`${api.url}/health/ready`)
        expect(status).toBe(503)
        expect(body.checks[0]?.reason).toBe('the tables cannot be read: is the database migrated?')
      } finally {
        await api.close()
      }
    })
  },
  { empty: true },
)
