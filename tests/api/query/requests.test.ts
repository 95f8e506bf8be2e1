import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../../../api/query/server.ts'
import { developmentToken } from '../../../api/token.ts'
import { get, SECRET, type Answer } from './client.ts'

/** Nothing listens there: what is refused before the database must not notice, what needs it gets 503. */
const NOWHERE = 'postgresql://nobody:hidden-password@127.0.0.1:1/nothing'

let api: RunningApi
beforeAll(async () => {
  api = await startApi({ databaseUrl: NOWHERE, jwtSecret: SECRET, port: 0 })
})
afterAll(() => api.close())

const as = (user: string, path: string): Promise<Answer> => get(`${api.url}${path}`, { user })

const routes = [
  ['/v1/accounts'],
  ['/v1/accounts/a-1'],
  ['/v1/accounts/a-1/balance?at=2024-02-29'],
  ['/v1/transactions'],
  ['/v1/transactions/t-1'],
  ['/v1/spending?month=2024-02'],
  ['/v1/analytics/spending'],
  ['/v1/analytics/total'],
  ['/v1/budgets'],
  ['/v1/categories'],
  ['/v1/aggregates/transaction/t-1/events'],
  ['/v1/commands/0b6f1f0e-6f0a-4f6e-9a6b-3f1d2c4b5a69'],
] as const

test.for(routes)('%s refuses a token that has expired', async ([path]) => {
  const token = await developmentToken({ userId: 'ana', secret: SECRET, expiresIn: -600 })
  const { status, body } = await get(`${api.url}${path}`, { token })
  expect(status).toBe(401)
  expect(body.code).toBe('token-expired')
})

test.for(routes)('%s wants a token before it looks at anything else', async ([path]) => {
  for (const method of ['GET', 'HEAD']) {
    expect((await get(`${api.url}${path}`, { method })).status).toBe(401)
  }
  const { body } = await get(`${api.url}${path}${path.includes('?') ? '&' : '?'}limit=1000&no=1`)
  expect(body.code).toBe('token-missing')
})

describe('a request that cannot be answered', () => {
  const garbage = Buffer.from('{"version":1}').toString('base64url')
  test.for([
    ['/v1/transactions?limit=1000', 'limit', '"limit" must be a whole number from 1 to 100'],
    ['/v1/transactions?limit=0', 'limit', '"limit" must be a whole number'],
    ['/v1/transactions?limit=ten', 'limit', 'got "ten"'],
    ['/v1/transactions?limit=1.5', 'limit', '"limit" must be a whole number'],
    ['/v1/transactions?limit=1&limit=2', 'limit', '"limit" must be a whole number'],
    [
      '/v1/transactions?from_date=2024-02-30',
      'from_date',
      '"from_date" must be a date that exists, such as 2024-02-29, got "2024-02-30"',
    ],
    ['/v1/transactions?from_date=0000-01-01', 'from_date', 'a date that exists'],
    ['/v1/transactions?to_date=yesterday', 'to_date', 'a date that exists'],
    [
      '/v1/transactions?from_date=2024-02-02&to_date=2024-02-01',
      'to_date',
      'is before "from_date"',
    ],
    ['/v1/transactions?account_id=', 'account_id', '"account_id" must be'],
    ['/v1/transactions?account_id=a%00b', 'account_id', '"account_id" must be'],
    [`/v1/transactions?account_id=${'a'.repeat(65)}`, 'account_id', '"account_id" must be'],
    ["/v1/transactions?category=' OR 1=1 --", 'category', '"category" must be'],
    ['/v1/transactions?form_date=2024-02-01', 'form_date', 'not a parameter'],
    ['/v1/transactions?cursor=garbage', 'cursor', 'cannot be read'],
    [`/v1/transactions?cursor=${garbage}`, 'cursor', 'cannot be read'],
    ['/v1/transactions?cursor=bnVsbA', 'cursor', 'cannot be read'],
    [`/v1/transactions?cursor=${'A'.repeat(600)}`, 'cursor', '"cursor" must be'],
    [`/v1/transactions?cursor=${'A'.repeat(5_000)}`, 'query', 'longer than 4096 characters'],
    ['/v1/transactions?min_amount=1e9999', 'min_amount', 'a plain decimal number such as -12.50'],
    ['/v1/transactions?max_amount=1e9999', 'max_amount', 'got "1e9999"'],
    ['/v1/transactions?min_amount=0.00001', 'min_amount', 'a plain decimal number'],
    [`/v1/transactions?min_amount=${'9'.repeat(20)}`, 'min_amount', 'a plain decimal number'],
    ['/v1/transactions?min_amount=NaN', 'min_amount', 'a plain decimal number'],
    ['/v1/transactions?min_amount=', 'min_amount', 'a plain decimal number'],
    [
      '/v1/transactions?min_amount=-1.5&max_amount=-1.51',
      'max_amount',
      'is less than "min_amount"',
    ],
    ['/v1/transactions?needs_review=maybe', 'needs_review', 'must be true or false'],
    ['/v1/transactions?q=', 'q', '"q" must be 1 to 100 characters'],
    [`/v1/transactions?q=${'a'.repeat(101)}`, 'q', '"q" must be 1 to 100 characters'],
    ['/v1/transactions?q=%20%20', 'q', 'holds no word'],
    ['/v1/transactions?q=a%00', 'q', 'zero byte'],
    ['/v1/transactions?q=1+2+3+4+5+6+7+8+9', 'q', 'at most 8'],
    ['/v1/transactions?page=0', 'page', '"page" must be a whole number'],
    ['/v1/transactions?page=101', 'page', 'follow "nextCursor"'],
    ['/v1/transactions?page=2&cursor=eyJ9', 'page', 'goes without "cursor"'],
    ['/v1/transactions/-', 'transactionId', '"transactionId" must be'],
    ['/v1/accounts/a-1/balance?at=2024-02-30', 'at', 'a date that exists'],
    ['/v1/accounts/a-1/balance?at=now', 'at', 'a date that exists'],
    [
      '/v1/analytics/spending?period=decade',
      'period',
      '"period" must be one of week, month, quarter, year, got "decade"',
    ],
    ['/v1/analytics/spending?group_by=mood', 'group_by', 'one of category, merchant, day, week'],
    ['/v1/analytics/spending?date=2023-02-29', 'date', 'a date that exists'],
    ['/v1/analytics/total?start=2024-02-02&end=2024-02-01', 'end', 'is before "start"'],
    ['/v1/analytics/total?start=soon', 'start', 'a date that exists'],
    ['/v1/aggregates/mood/a-1/events', 'type', 'one of account, transaction'],
    ['/v1/aggregates/account/-/events', 'id', '"id" must be'],
    [
      '/v1/aggregates/account/a-1/events?from_version=0',
      'from_version',
      'a whole number from 1 on',
    ],
    [
      '/v1/aggregates/account/a-1/events?from_version=99999999999999999999',
      'from_version',
      'a whole number from 1 on',
    ],
    ['/v1/budgets?month=2024-2', 'month', 'a month such as 2024-02'],
    ['/v1/categories?month=2024-02', 'month', 'not a parameter'],
    ['/v1/accounts?limit=5', 'limit', 'not a parameter'],
    ['/v1/accounts/%00', 'accountId', '"accountId" must be'],
    ['/v1/accounts/-', 'accountId', '"accountId" must be'],
    ['/v1/commands/1', 'commandId', '"commandId" must be a uuid'],
    ['/v1/spending', 'month', '"month" is required'],
    ['/v1/spending?month=2024-13', 'month', '"month" must be a month such as 2024-02'],
    ['/v1/spending?month=2024-02&from=2024-02', 'month', 'goes without'],
    ['/v1/spending?from=2024-02', 'to', '"to" is required'],
    ['/v1/spending?to=2024-02', 'from', '"from" is required'],
    ['/v1/spending?from=2024-02&to=2024-01', 'to', 'is before "from"'],
    ['/v1/spending?from=2000-01&to=2024-01', 'to', 'at most 120'],
  ] as const)('%s is 400 with a path and a sentence', async ([path, parameter, sentence]) => {
    const { status, body, headers } = await as('ana', path)
    expect(status).toBe(400)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toMatchObject({ code: 'SALDO_INPUT_INVALID', status: 400, path: parameter })
    expect(body.detail).toContain(sentence)
  })

  test('what it quotes of a value is short', async () => {
    const { body } = await as('ana', `/v1/transactions?category=${'!'.repeat(3_000)}`)
    expect(body.detail.length).toBeLessThan(200)
  })

  test.for([['/v1/nothing'], ['/'], ['/v1'], ['/v1/accounts/a/b']])(
    'nothing is at %s',
    async ([path = '']) => {
      const { status, body, headers } = await as('ana', path)
      expect(status).toBe(404)
      expect(headers.get('content-type')).toBe('application/problem+json')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(body.code).toBe('not-found')
    },
  )

  test.for([
    ['POST', '{}'],
    ['PUT', 'x'.repeat(100_000)],
    ['DELETE', undefined],
    ['PATCH', '{'],
    ['OPTIONS', undefined],
    ['PROPFIND', undefined],
  ] as const)('%s is 405: it only reads', async ([method, body]) => {
    const answer = await get(`${api.url}/v1/accounts`, {
      user: 'ana',
      method,
      ...(body === undefined ? {} : { body }),
    })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET, HEAD')
    expect(answer.body.code).toBe('method-not-allowed')
  })

  test('an address that cannot be decoded is 400', async () => {
    const { status, body, headers } = await as('ana', '/v1/accounts/%zz')
    expect(status).toBe(400)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body.code).toBe('request-malformed')
  })

  test.for([
    ['what is not HTTP', 'nonsense\r\n\r\n', 'HTTP/1.1 400 Bad Request', 'request-malformed'],
    [
      'a head that is too large',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      'HTTP/1.1 431',
      'request-too-large',
    ],
    [
      'an address of two megabytes',
      `GET /v1/transactions?q=${'y'.repeat(2_000_000)} HTTP/1.1\r\nhost: here\r\n\r\n`,
      'HTTP/1.1 431',
      'request-too-large',
    ],
  ] as const)('%s is a problem too', async ([, request, statusLine, code]) => {
    const { hostname, port } = new URL(api.url)
    const socket = connect(Number(port), hostname)
    const received: string[] = []
    socket.setEncoding('utf8').on('data', (text: string) => received.push(text))
    socket.write(request)
    await once(socket, 'close')
    expect(received.join('')).toContain(statusLine)
    expect(received.join('')).toContain('application/problem+json')
    expect(received.join('')).toContain(`"code":"${code}"`)
  })
})

describe('a database that is away', () => {
  test.for(routes)('makes %s say when to come back, and nothing of the inside', async ([path]) => {
    const { status, body, headers } = await as('ana', path)
    expect(status).toBe(503)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(headers.get('retry-after')).toBe('2')
    expect(body.code).toBe('SALDO_DATABASE_UNAVAILABLE')
    expect(JSON.stringify(body)).not.toMatch(/hidden-password|127\.0\.0\.1|ECONN/)
  })

  test('leaves the process alive and not ready', async () => {
    expect((await get(`${api.url}/health/live`)).status).toBe(200)
    const { status, body } = await get(`${api.url}/health/ready`)
    expect(status).toBe(503)
    expect(body).toEqual({
      status: 'not ready',
      checks: [{ name: 'database', ready: false, reason: 'the database cannot be reached' }],
    })
  })
})

describe('a port that is taken', () => {
  const options = { databaseUrl: NOWHERE, jwtSecret: SECRET }
  const port = (): number => Number(new URL(api.url).port)

  test('makes the API take the next free one', async () => {
    const second = await startApi({ ...options, port: port(), portsToTry: 20 })
    try {
      expect(Number(new URL(second.url).port)).toBeGreaterThan(port())
      expect((await get(`${second.url}/health/live`)).status).toBe(200)
    } finally {
      await second.close()
    }
  })

  test('is an error when it is the only one to try', async () => {
    await expect(startApi({ ...options, port: port(), portsToTry: 1 })).rejects.toMatchObject({
      code: 'SALDO_CONFIG_INVALID',
      message: expect.stringContaining(`port ${port()} of 127.0.0.1`),
    })
  })
})
