import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../../../api/query/server.ts'
import { isoDateOf } from '../../../schemas/dates.ts'
import { eventIdOf } from '../../../schemas/ids.ts'
import type { LedgerEvent, LedgerEventBody } from '../../../schemas/types.ts'
import { describePostgres } from '../../support/postgres.ts'
import { get, SECRET, type Answer } from './client.ts'
import { AT, openSeed, type Seed } from './seed.ts'

const COMMAND = '0b6f1f0e-6f0a-4f6e-9a6b-3f1d2c4b5a69'

function eventFrom(
  sequence: number,
  version: number,
  recordedAt: string,
  body: LedgerEventBody,
): LedgerEvent {
  return {
    eventId: eventIdOf('ana', sequence),
    userId: 'ana',
    sequence,
    aggregateType: body.type.startsWith('Account') ? 'account' : 'transaction',
    aggregateId: body.type.startsWith('Account') ? 'a-1' : 't-1',
    version,
    occurredAt: Date.parse(AT),
    recordedAt: Date.parse(recordedAt),
    commandId: COMMAND,
    initiator: { kind: 'user', id: 'ana' },
    previousHash: Buffer.alloc(32),
    personal: Buffer.from('sealed'),
    body,
  }
}

const booking = (amountMinor: bigint) => {
  return {
    amountMinor,
    bookedOn: 19_782,
    categoryId: 'groceries',
    parts: [],
    kind: 'ordinary',
  } as const
}
const ofT1 = { transactionId: 't-1', accountId: 'a-1', currency: 'EUR' } as const

const events: readonly LedgerEvent[] = [
  eventFrom(1, 1, '2024-05-01T09:00:00Z', {
    type: 'AccountOpened',
    accountId: 'a-1',
    kind: 'checking',
    currency: 'EUR',
    contentHash: Buffer.from('0123456789abcdef'),
  }),
  eventFrom(2, 1, AT, {
    ...ofT1,
    ...booking(-1_300n),
    type: 'TransactionCreated',
    source: 'manual',
    confidence: 1,
    categorySource: 'user',
    alternatives: [],
    modelVersion: '1',
    mcc: null,
    contentHash: Buffer.from('0123456789abcdef'),
    linkedTransactionId: null,
  }),
  eventFrom(3, 2, '2024-06-01T09:00:00Z', {
    ...ofT1,
    type: 'TransactionUpdated',
    before: booking(-1_300n),
    after: booking(-1_250n),
    previousOccurredAt: Date.parse(AT),
  }),
]

describePostgres('the routes of the query API', (database) => {
  let api: RunningApi
  let seed: Seed

  beforeAll(async () => {
    seed = await openSeed(database.url)
    api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
    await seed.account({ userId: 'ana', accountId: 'a-1', balanceMinor: 700n })
    await seed.run(
      `INSERT INTO balance_history VALUES ('ana', 'a-1', '2024-01-01', 1000, 1), ('ana', 'a-1', '2024-02-01', -300, 2),
                                          ('ben', 'a-1', '2024-01-01', 66600, 1)`,
    )
    for (const event of events) await seed.event(event)
    const ana = { userId: 'ana', bookedOn: '2024-02-29' } as const
    await seed.transaction({
      ...ana,
      transactionId: 't-1',
      merchant: 'Ærlig & Sønn',
      note: '100% wool_',
    })
    await seed.transaction({
      ...ana,
      transactionId: 't-2',
      amountMinor: -9n,
      currency: 'JPY',
      bookedOn: '2024-03-01',
    })
    await seed.transaction({
      ...ana,
      transactionId: 't-3',
      amountMinor: -5_000n,
      merchant: 'Market',
      needsReview: true,
      parts: [
        { categoryId: 'dining', amountMinor: -2_000n },
        { categoryId: 'health', amountMinor: -3_000n },
      ],
    })
    await seed.transaction({
      ...ana,
      transactionId: 't-4',
      amountMinor: 250_000n,
      categoryId: 'income',
    })
    await seed.transaction({ ...ana, transactionId: 't-5', amountMinor: -777n, kind: 'transfer' })
    await seed.transaction({ ...ana, transactionId: 't-6', amountMinor: -888n, status: 'deleted' })
    await seed.transaction({
      ...ana,
      transactionId: 't-7',
      amountMinor: -1_234n,
      currency: 'BHD',
      description: 'SOUK',
    })
    await seed.transaction({
      userId: 'ben',
      transactionId: 'b-1',
      description: 'Secret of Ben',
      merchant: 'Market',
    })
    await seed.run(`UPDATE transactions SET updated_at = '2024-06-01T09:00:00Z', version = 2
                     WHERE user_id = 'ana' AND transaction_id = 't-1'`)
    // What daily_aggregates holds of these, and another year.
    for (const [categoryId, totalMinor, currency, bookedOn] of [
      ['groceries', 1_250n, 'EUR', '2024-02-29'],
      ['dining', 2_000n, 'EUR', '2024-02-29'],
      ['health', 3_000n, 'EUR', '2024-02-29'],
      ['groceries', 9n, 'JPY', '2024-03-01'],
      ['groceries', 1_234n, 'BHD', '2024-02-29'],
      ['groceries', 4n, 'EUR', '2023-12-31'],
    ] as const) {
      await seed.spending({ userId: 'ana', bookedOn, categoryId, totalMinor, currency })
    }
    await seed.spending({
      userId: 'ben',
      bookedOn: '2024-02-29',
      categoryId: 'dining',
      totalMinor: 66_600n,
    })
  })
  afterAll(async () => {
    await api.close()
    await seed.close()
  })

  const as = (user: string, path: string): Promise<Answer> => get(`${api.url}${path}`, { user })
  const idsOf = async (query: string): Promise<readonly string[]> =>
    (await as('ana', `/v1/transactions?${query}`)).body.transactions.map((row) => row.transactionId)

  test.for([
    ['at=2024-01-31', '10.00', 1],
    ['at=2024-02-01', '7.00', 3],
    ['at=2023-12-31', '0.00', 0],
    ['', '7.00', 3],
  ] as const)(
    'the balance of an account with "%s" is %s',
    async ([query, amount, transactionCount]) => {
      const { status, body } = await as('ana', `/v1/accounts/a-1/balance?${query}`)
      expect(status).toBe(200)
      expect(body).toMatchObject({
        balance: { accountId: 'a-1', currency: 'EUR', amount, transactionCount },
      })
    },
  )

  const all = ['t-2', 't-7', 't-5', 't-4', 't-3', 't-1']
  test.for([
    ['', all],
    ['min_amount=-9', ['t-2', 't-7', 't-5', 't-4']],
    ['min_amount=-8.99', ['t-7', 't-5', 't-4']],
    ['max_amount=-7.77', ['t-2', 't-5', 't-3', 't-1']],
    ['min_amount=-1.2340&max_amount=-1.234', ['t-7']],
    ['min_amount=9999999999999999999', []],
    ['needs_review=true', ['t-3']],
    ['needs_review=false', all.filter((id) => id !== 't-3')],
    ['category=dining', ['t-3']],
    ['category=groceries', ['t-2', 't-7', 't-5', 't-1']],
    ['category=dining&q=market&min_amount=-50&needs_review=true', ['t-3']],
    ['q=%C3%A6RLIG', ['t-1']],
    ['q=corner%20wool', ['t-1']],
    ['q=100%25', ['t-1']],
    ['q=wool_', ['t-1']],
    ['q=_', ['t-1']],
    ['q=%5C', []],
    ["q='", []],
    ['q=souk', ['t-7']],
    ['q=secret', []],
    ['page=1&limit=2', ['t-2', 't-7']],
    ['page=3&limit=2', ['t-3', 't-1']],
    ['page=4&limit=2', []],
    ['page=2&limit=2&category=groceries', ['t-5', 't-1']],
    ['page=2&limit=1&q=market', []],
  ] as const)('transactions are filtered by "%s"', async ([query, ids]) => {
    expect(await idsOf(query)).toEqual(ids)
  })

  test('a cursor goes on after a page that was asked for by its number', async () => {
    const { body } = await as('ana', '/v1/transactions?page=2&limit=2')
    expect(await idsOf(`limit=2&cursor=${body.nextCursor}`)).toEqual(['t-3', 't-1'])
  })

  test('a split is shown by its parts', async () => {
    const { body } = await as('ana', '/v1/transactions/t-3')
    expect(body.transaction).toMatchObject({
      amount: '-50.00',
      parts: [
        { categoryId: 'dining', amount: '-20.00' },
        { categoryId: 'health', amount: '-30.00' },
      ],
    })
  })

  test('a transaction is shown with its history', async () => {
    const { status, body } = await as('ana', '/v1/transactions/t-1')
    expect(status).toBe(200)
    expect(body.transaction).toMatchObject({ transactionId: 't-1', amount: '-12.50' })
    const { eventId } = events[1] ?? {}
    expect(body.history).toEqual([
      {
        version: 1,
        type: 'created',
        eventId,
        amount: '-13.00',
        currency: 'EUR',
        bookedOn: '2024-02-29',
        categoryId: 'groceries',
        categorySource: 'user',
        confidence: 1,
        parts: [],
        occurredAt: AT,
        recordedAt: AT,
        initiator: 'user',
      },
      expect.objectContaining({
        version: 2,
        type: 'updated',
        amount: '-12.50',
        categorySource: null,
      }),
    ])
  })

  test('an event is shown with its facts, without what is sealed or of the engine only', async () => {
    const { body, text } = await as('ana', '/v1/aggregates/transaction/t-1/events')
    expect(body.events).toEqual([
      expect.objectContaining({
        type: 'TransactionCreated',
        version: 1,
        sequence: 2,
        commandId: COMMAND,
        initiator: 'user',
        recordedAt: AT,
        body: expect.objectContaining({ amount: '-13.00', bookedOn: '2024-02-29' }),
      }),
      expect.objectContaining({
        type: 'TransactionUpdated',
        version: 2,
        body: {
          ...ofT1,
          before: expect.objectContaining({ amount: '-13.00' }),
          after: {
            amount: '-12.50',
            bookedOn: isoDateOf(19_782),
            categoryId: 'groceries',
            parts: [],
            kind: 'ordinary',
          },
          previousOccurredAt: AT,
        },
      }),
    ])
    expect(text).not.toMatch(/contentHash|personal|previousHash|sealed/)
  })

  test('a deleted transaction is found by its id', async () => {
    const { body } = await as('ana', '/v1/transactions/t-6')
    expect(body.transaction).toMatchObject({ transactionId: 't-6', status: 'deleted' })
  })

  test.for([
    ['/v1/aggregates/transaction/t-1/events', [1, 2]],
    ['/v1/aggregates/transaction/t-1/events?from_version=2', [2]],
    ['/v1/aggregates/transaction/t-1/events?from_version=3', []],
    ['/v1/aggregates/account/a-1/events', [1]],
    ['/v1/aggregates/account/a-1/events?from_version=9', []],
  ] as const)('%s gives the events of these versions: %o', async ([path, versions]) => {
    const { status, body } = await as('ana', path)
    expect(status).toBe(200)
    expect(body.events.map(({ version }) => version)).toEqual(versions)
    expect(body.nextVersion).toBeNull()
  })

  test('the events of an aggregate come in parts, each of which says where the next begins', async () => {
    const amended = events[2]
    if (amended === undefined) throw new Error('there is an amendment')
    await seed.transaction({ userId: 'cay', transactionId: 't-1' })
    for (let version = 1; version <= 102; version += 1) {
      const eventId = eventIdOf('cay', version)
      const recordedAt = Date.parse(AT)
      await seed.event({
        ...amended,
        userId: 'cay',
        eventId,
        sequence: version,
        version,
        recordedAt,
      })
    }
    const first = await as('cay', '/v1/aggregates/transaction/t-1/events')
    expect(first.body.events).toHaveLength(100)
    expect(first.body.nextVersion).toBe(101)
    const rest = await as('cay', '/v1/aggregates/transaction/t-1/events?from_version=101')
    expect(rest.body.events.map(({ version }) => version)).toEqual([101, 102])
    expect(rest.body.nextVersion).toBeNull()
  })

  const february = {
    totals: [
      { currency: 'BHD', amount: '1.234', transactionCount: 2 },
      { currency: 'EUR', amount: '62.50', transactionCount: 6 },
    ],
    category: [
      'EUR health 30.00',
      'EUR dining 20.00',
      'BHD groceries 1.234',
      'EUR groceries 12.50',
    ],
    day: ['BHD 2024-02-29 1.234', 'EUR 2024-02-29 62.50'],
    week: ['BHD 2024-W09 1.234', 'EUR 2024-W09 62.50'],
    merchant: ['EUR Market 50.00', 'EUR Ærlig & Sønn 12.50', 'BHD null 1.234'],
  } as const
  const withMarch = {
    category: [...february.category, 'JPY groceries 9'],
    day: [...february.day, 'JPY 2024-03-01 9'],
    week: [...february.week, 'JPY 2024-W09 9'],
    merchant: [...february.merchant, 'JPY null 9'],
  }
  test.for(
    (['category', 'merchant', 'day', 'week'] as const).flatMap((groupBy) => [
      ['week', groupBy, '2024-02-26', '2024-03-03', withMarch[groupBy]] as const,
      ['month', groupBy, '2024-02-01', '2024-02-29', february[groupBy]] as const,
      ['quarter', groupBy, '2024-01-01', '2024-03-31', withMarch[groupBy]] as const,
      ['year', groupBy, '2024-01-01', '2024-12-31', withMarch[groupBy]] as const,
    ]),
  )('spending of a %s is grouped by %s', async ([period, groupBy, from, to, expected]) => {
    const query = `period=${period}&group_by=${groupBy}&date=2024-02-29`
    const { status, body } = await as('ana', `/v1/analytics/spending?${query}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ period, groupBy, from, to, truncated: false })
    const groups = body.groups.map(({ currency, key, amount }) => `${currency} ${key} ${amount}`)
    expect(groups.toSorted()).toEqual(expected.toSorted())
    const amounts = body.totals.filter(
      (total) => !('currency' in total) || total.currency !== 'JPY',
    )
    expect(amounts).toMatchObject(
      february.totals.map(({ currency, amount }) => ({ currency, amount })),
    )
  })

  test('days and weeks come in their order, categories and merchants by what was spent', async () => {
    const keys = async (by: string): Promise<readonly unknown[]> =>
      (
        await as('ana', `/v1/analytics/spending?period=year&date=2024-07-01&group_by=${by}`)
      ).body.groups.map(({ key }) => key)
    expect(await keys('day')).toEqual(['2024-02-29', '2024-02-29', '2024-03-01'])
    expect((await keys('category')).slice(0, 2)).toEqual(['health', 'dining'])
    expect((await keys('merchant'))[0]).toBe('Market')
  })

  test('a day of December may be of the first ISO week of the next year', async () => {
    const { body } = await as(
      'ana',
      '/v1/analytics/spending?period=year&date=2023-05-05&group_by=week',
    )
    expect(body.groups).toMatchObject([{ key: '2023-W52', amount: '0.04' }])
  })

  test('what was spent this month in groups of categories is what is told without a word', async () => {
    const { body } = await as('ana', '/v1/analytics/spending')
    expect(body).toMatchObject({ period: 'month', groupBy: 'category', groups: [], totals: [] })
  })

  test.for([
    ['', ['BHD 1.234', 'EUR 62.54', 'JPY 9']],
    ['start=2024-03-01', ['JPY 9']],
    ['end=2023-12-31', ['EUR 0.04']],
    ['start=2024-02-29&end=2024-02-29', ['BHD 1.234', 'EUR 62.50']],
  ] as const)('the total with "%s" is one per currency', async ([query, expected]) => {
    const { body } = await as('ana', `/v1/analytics/total?${query}`)
    const totals = body.totals as readonly { currency: string; amount: string }[]
    expect(totals.map(({ currency, amount }) => `${currency} ${amount}`)).toEqual(expected)
  })

  test.for([
    ['/v1/analytics/spending?period=year&date=2024-02-29', { groups: [], totals: [] }],
    ['/v1/analytics/total', { totals: [] }],
    ['/v1/transactions?q=market&category=dining', { transactions: [], nextCursor: null }],
  ] as const)('a user without rows gets an empty answer from %s', async ([path, expected]) => {
    const { status, body } = await as('nobody', path)
    expect(status).toBe(200)
    expect(body).toMatchObject(expected)
  })

  test.for([
    ['ana', '/v1/transactions/b-1'],
    ['ben', '/v1/transactions/t-1'],
    ['ana', '/v1/transactions/t-99'],
    ['ben', '/v1/accounts/a-1/balance?at=2024-03-01'],
    ['ana', '/v1/accounts/a-9/balance'],
    ['ben', '/v1/aggregates/transaction/t-1/events'],
    ['ben', '/v1/aggregates/account/a-1/events'],
    ['ana', '/v1/aggregates/account/a-9/events'],
    ['ana', '/v1/aggregates/category/a-1/events'],
  ] as const)('%s finds nothing at %s, whoever owns it', async ([user, path]) => {
    const { status, body } = await as(user, path)
    expect(status).toBe(404)
    expect(body).toMatchObject({ code: 'not-found', status: 404 })
  })
})
