import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../../../api/query/server.ts'
import { describePostgres } from '../../support/postgres.ts'
import { get, SECRET, type Answer } from './client.ts'
import { AT, openSeed, type Seed } from './seed.ts'

describePostgres('the routes of budgets and categories', (database) => {
  let api: RunningApi
  let seed: Seed

  beforeAll(async () => {
    seed = await openSeed(database.url)
    api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
    await seed.run(
      `INSERT INTO budget_status (user_id, month, category_id, currency, budget_id, budget_version, standing, name,
                                  amount_minor, thresholds, latched, spent_minor, transaction_count, updated_at)
       VALUES ('ana', '2024-02', 'groceries', 'EUR', 'b-1', 2, false, 'Food', 30000, '{80,100}', '{80}', 25001, 9, $1),
              ('ana', '2024-02', 'dining', 'EUR', NULL, NULL, false, NULL, NULL, '{}', '{}', 999, 1, $1),
              ('ana', 'every', 'groceries', 'EUR', 'b-2', 1, true, NULL, 20000, '{90}', '{}', 0, 0, $1),
              ('ana', 'every', 'travel', 'JPY', 'b-3', 1, true, NULL, 500, '{90}', '{}', 0, 0, $1),
              ('ana', 'every', 'health', 'EUR', 'b-4', 1, true, NULL, 100, '{90}', '{}', 0, 0, $1),
              ('ana', '2024-03', 'travel', 'JPY', 'b-3', 1, true, NULL, 500, '{90}', '{90}', 700, 2, $1),
              ('ben', '2024-02', 'groceries', 'EUR', 'b-9', 1, false, 'Secret', 66600, '{80}', '{}', 0, 0, $1)`,
      [AT],
    )
    await seed.run(
      `INSERT INTO categories (user_id, category_id, name, status, created_at, updated_at, version)
       VALUES ('ana', 'c-1', 'Horses', 'active', $1, $1, 1), ('ben', 'c-2', 'Secret', 'active', $1, $1, 1)`,
      [AT],
    )
    await seed.spending({
      userId: 'ana',
      bookedOn: '2024-02-29',
      categoryId: 'c-1',
      totalMinor: 1_250n,
    })
    await seed.spending({
      userId: 'ben',
      bookedOn: '2024-02-29',
      categoryId: 'c-1',
      totalMinor: 66_600n,
    })
    await seed.run(`INSERT INTO daily_income VALUES ('ana', '2024-03-01', 'c-1', 'EUR', 300, 1)`)
  })
  afterAll(async () => {
    await api.close()
    await seed.close()
  })

  const as = (user: string, path: string): Promise<Answer> => get(`${api.url}${path}`, { user })

  test('budgets say what is spent of them, exactly, and which thresholds were told', async () => {
    const { status, body } = await as('ana', '/v1/budgets?month=2024-02')
    expect(status).toBe(200)
    expect(body).toMatchObject({ month: '2024-02' })
    expect(body.budgets).toEqual([
      {
        budgetId: 'b-1',
        version: 2,
        name: 'Food',
        categoryId: 'groceries',
        currency: 'EUR',
        standing: false,
        amount: '300.00',
        spent: '250.01',
        remaining: '49.99',
        percentage: 83.34,
        transactionCount: 9,
        thresholds: [80, 100],
        reached: [80],
        updatedAt: AT,
      },
      expect.objectContaining({ budgetId: 'b-4', standing: true, spent: '0.00' }),
      expect.objectContaining({ budgetId: 'b-3', standing: true, spent: '0', remaining: '500' }),
    ])
  })

  test('a standing budget is in every month without its own, with what is spent there', async () => {
    const { body } = await as('ana', '/v1/budgets?month=2024-03')
    expect(body.budgets).toMatchObject([
      { budgetId: 'b-2', spent: '0.00', percentage: 0 },
      { budgetId: 'b-4', spent: '0.00' },
      { budgetId: 'b-3', spent: '700', remaining: '-200', percentage: 140, reached: [90] },
    ])
  })

  test('budgets are those of this month unless another is asked for', async () => {
    const { body } = await as('ana', '/v1/budgets')
    expect(body).toMatchObject({ month: new Date().toISOString().slice(0, 7) })
    expect(body.budgets).toHaveLength(3)
  })

  test('categories are the built-in ones and those of the user, with their use by currency', async () => {
    const { status, body } = await as('ana', '/v1/categories')
    expect(status).toBe(200)
    expect(body.categories[0]).toEqual({
      categoryId: 'groceries',
      name: null,
      builtIn: true,
      status: 'active',
      usage: [],
    })
    expect(body.categories.filter(({ builtIn }) => !builtIn)).toEqual([
      {
        categoryId: 'c-1',
        name: 'Horses',
        builtIn: false,
        status: 'active',
        usage: [
          {
            currency: 'EUR',
            spent: '12.50',
            received: '3.00',
            transactionCount: 3,
            lastUsedOn: '2024-03-01',
          },
        ],
      },
    ])
  })

  test('a user without rows has the built-in categories and no budget', async () => {
    expect((await as('nobody', '/v1/budgets?month=2024-02')).body.budgets).toEqual([])
    const { body } = await as('nobody', '/v1/categories')
    expect(body.categories.every(({ builtIn }) => builtIn)).toBe(true)
  })
})
