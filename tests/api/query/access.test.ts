import { afterEach, describe, expect, test } from 'vitest'
import { startApi, type ApiAccess, type RunningApi } from '../../../api/query/server.ts'
import { get, SECRET, type Answer } from './client.ts'

/** Nothing listens there: what comes as far as the database is answered with 503. */
const NOWHERE = 'postgresql://nobody@127.0.0.1:1/nothing'
const ARRIVED = 503

let api: RunningApi | undefined
afterEach(async () => {
  await api?.close()
  api = undefined
})

async function start(access: ApiAccess): Promise<string> {
  api = await startApi({ databaseUrl: NOWHERE, jwtSecret: SECRET, port: 0, ...access })
  return api.url
}

const statuses = async (turns: number, ask: () => Promise<Answer>): Promise<readonly number[]> => {
  const answers: number[] = []
  for (let turn = 0; turn < turns; turn += 1) answers.push((await ask()).status)
  return answers
}

describe('a limit of requests', () => {
  test('stops a user who asks too often, says when to come back, and nobody else', async () => {
    const url = await start({ limits: { perSubject: 3, perAddress: 100 } })
    const ask = (user: string) => () => get(`${url}/v1/accounts`, { user })
    expect(await statuses(4, ask('ana'))).toEqual([ARRIVED, ARRIVED, ARRIVED, 429])
    const { body, headers } = await ask('ana')()
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toMatchObject({ status: 429, code: 'too-many-requests' })
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect(headers.get('ratelimit-limit')).toBe('3')
    expect(headers.get('ratelimit-remaining')).toBe('0')
    expect(await statuses(1, ask('ben'))).toEqual([ARRIVED])
  })

  test('is told with every answer', async () => {
    const url = await start({ limits: { perSubject: 3, perAddress: 100 } })
    const { headers } = await get(`${url}/v1/accounts`, { user: 'ana' })
    expect(headers.get('ratelimit-limit')).toBe('3')
    expect(headers.get('ratelimit-remaining')).toBe('2')
    expect(headers.get('ratelimit-reset')).toBe('60')
    expect(headers.get('retry-after')).toBe('2')
  })

  test('counts who has no token by address, and leaves those who have one alone', async () => {
    const url = await start({ limits: { perSubject: 100, perAddress: 2 } })
    const stranger = () => get(`${url}/v1/accounts`)
    const forger = () => get(`${url}/v1/accounts`, { token: 'a.b.c' })
    expect(await statuses(1, stranger)).toEqual([401])
    expect(await statuses(2, forger)).toEqual([401, 429])
    expect(await statuses(2, () => get(`${url}/nothing`))).toEqual([429, 429])
    expect(await statuses(3, () => get(`${url}/v1/accounts`, { user: 'ana' }))).toEqual([
      ARRIVED,
      ARRIVED,
      ARRIVED,
    ])
  })

  test('is not for health and metrics', async () => {
    const url = await start({ limits: { perSubject: 1, perAddress: 1 } })
    expect(await statuses(3, () => get(`${url}/health/live`))).toEqual([200, 200, 200])
    expect(await statuses(3, () => get(`${url}/metrics`))).toEqual([200, 200, 200])
  })

  test('of 0 is none', async () => {
    const url = await start({ limits: { perSubject: 0, perAddress: 0 } })
    const { status, headers } = await get(`${url}/v1/accounts`, { user: 'ana' })
    expect(status).toBe(ARRIVED)
    expect(headers.get('ratelimit-limit')).toBeNull()
  })

  test.for([
    ['believes a proxy that is trusted', ['127.0.0.1'], [401, 401, 429]],
    ['believes nobody else', [], [401, 429, 429]],
  ] as const)('by address %s', async ([, trustedProxies, expected]) => {
    const limits = { perSubject: 1, perAddress: 1 }
    const url = await start({ limits, ...(trustedProxies.length === 0 ? {} : { trustedProxies }) })
    const from = (address: string) => () =>
      get(`${url}/v1/accounts`, { headers: { 'x-forwarded-for': address } })
    const answers = [
      ...(await statuses(1, from('192.0.2.1'))),
      ...(await statuses(1, from('192.0.2.2'))),
      ...(await statuses(1, from('192.0.2.1'))),
    ]
    expect(answers).toEqual(expected)
  })
})

describe('a page of another origin', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,if-none-match',
    },
  }

  test('may ask when its origin is named', async () => {
    const url = await start({ corsOrigins: ['https://app.example'] })
    const { status, headers } = await get(`${url}/v1/accounts`, preflight)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD')
    expect(headers.get('access-control-allow-headers')).toMatch(/Authorization, If-None-Match/)
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    const origin = { origin: 'https://app.example' }
    const answer = await get(`${url}/v1/accounts`, { user: 'ana', headers: origin })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/ETag,.*Saldo-As-Of/)
    expect(answer.headers.get('vary')).toBe('Origin')
  })

  test('can read why it was refused', async () => {
    const url = await start({ corsOrigins: ['https://app.example'] })
    const { status, headers } = await get(`${url}/v1/accounts`, {
      headers: { origin: 'https://app.example' },
    })
    expect(status).toBe(401)
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example')
  })

  test('may not ask when another one is named, or none', async () => {
    const url = await start({ corsOrigins: ['https://other.example'] })
    const other = await get(`${url}/v1/accounts`, preflight)
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    await api?.close()
    const none = await get(`${await start({})}/v1/accounts`, preflight)
    expect(none.status).toBe(405)
    expect(none.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('an answer', () => {
  test.for([['/v1/accounts'], ['/health/live'], ['/nothing'], ['/v1/accounts?a=%00']])(
    'of %s may not run, be framed, or be told to another site',
    async ([path = '']) => {
      const { headers } = await get(`${await start({})}${path}`)
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; frame-ancestors 'none'",
      )
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    },
  )
})
