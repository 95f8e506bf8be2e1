import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi } from '../../../api/query/server.ts'
import { withDatabase } from '../../support/postgres.ts'
import { developmentToken } from '../../../api/token.ts'
import { get, SECRET } from './client.ts'
import { openSeed, type Seed } from './seed.ts'

const database = withDatabase('postgres')
let seed: Seed

beforeAll(async () => {
  seed = await openSeed(database.url)
  await seed.account({ userId: 'ana', accountId: 'a-1' })
})
afterAll(() => seed.close())

test('every answer about a user leaves a line without a text, and a refusal leaves none', async () => {
  const api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
  const as = async (user: string, path: string): Promise<number> =>
    (await get(`${api.url}${path}`, { user })).status
  expect(await as('ana', '/v1/accounts/a-1')).toBe(200)
  expect(await as('ben', '/v1/accounts/a-1')).toBe(404)
  expect(await as('ana', '/v1/transactions?category=psychotherapy')).toBe(200)
  expect(await as('ana', '/v1/transactions?limit=none')).toBe(400)
  expect(await as('ana', '/v1/accounts/mum%20and%20dad')).toBe(400)
  expect((await get(`${api.url}/v1/accounts`)).status).toBe(401)
  expect((await get(`${api.url}/health/live`)).status).toBe(200)
  expect((await get(`${api.url}/metrics`)).text).toContain('saldo_api_connections{state="idle"}')
  await api.close()
  const { rows } = await seed.run(
    'SELECT user_id, actor, action, resource, status FROM audit_log ORDER BY recorded_at',
  )
  const view = { action: 'view', status: 200 }
  expect(rows).toEqual([
    { ...view, user_id: 'ana', actor: 'ana', resource: '/v1/accounts/a-1' },
    { ...view, user_id: 'ben', actor: 'ben', resource: '/v1/accounts/a-1', status: 404 },
    { ...view, user_id: 'ana', actor: 'ana', resource: '/v1/transactions' },
  ])
})

test('a live stream leaves its line when it begins', async () => {
  await seed.run('TRUNCATE audit_log')
  const api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
  const token = await developmentToken({ userId: 'ana', secret: SECRET, expiresIn: 60 })
  const headers = { authorization: `Bearer ${token}` }
  const stop = new AbortController()
  const stream = await fetch(`${api.url}/v1/stream`, { headers, signal: stop.signal })
  expect(stream.status).toBe(200)
  const lines = async (): Promise<readonly object[]> =>
    (await seed.run('SELECT resource, status FROM audit_log')).rows
  while ((await lines()).length === 0);
  stop.abort()
  await api.close()
  expect(await lines()).toEqual([{ resource: '/v1/stream', status: 200 }])
})
