import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { authenticate, readerOf, userIdOf, useTokens } from '../../api/auth.ts'
import { httpServer } from '../../api/http-server.ts'
import { developmentToken } from '../../api/token.ts'
import { get, SECRET, type Answer } from './query/client.ts'

const app = httpServer()
let url: string

beforeAll(async () => {
  await useTokens(app, { keys: { secret: SECRET } })
  app.get('/me', { onRequest: authenticate }, async (request) => ({
    userId: userIdOf(request),
    subject: readerOf(request).subject,
  }))
  url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/me`
})
afterAll(() => app.close())

describe('a token', () => {
  test('of its audience with an expiry and a subject lets its user in', async () => {
    const token = await developmentToken({ userId: 'ana', secret: SECRET, expiresIn: '1h' })
    const { status, body } = await get(url, { token })
    expect(status).toBe(200)
    expect(body).toEqual({ userId: 'ana', subject: 'ana' })
  })

  test('is made for the id of a user only', async () => {
    const token = developmentToken({ userId: 'two words', secret: SECRET, expiresIn: 60 })
    await expect(token).rejects.toMatchObject({ code: 'SALDO_USAGE' })
  })

  const soon = Math.floor(Date.now() / 1_000) + 60
  const claims = { sub: 'ana', aud: 'saldo', exp: soon }
  test.for([
    ['has expired', { ...claims, exp: soon - 120 }, 'token-expired'],
    ['never expires', { sub: 'ana', aud: 'saldo' }, 'token-invalid'],
    ['is not valid yet', { ...claims, nbf: soon }, 'token-invalid'],
    ['is for another audience', { ...claims, aud: 'other' }, 'token-invalid'],
    ['is for no audience', { sub: 'ana', exp: soon }, 'token-invalid'],
    ['is of nobody', { aud: 'saldo', exp: soon }, 'token-invalid'],
    ['is of an empty subject', { ...claims, sub: '' }, 'token-invalid'],
    ['is of a subject with a zero byte', { ...claims, sub: 'a\u0000' }, 'token-invalid'],
    ['is of a number', { ...claims, sub: 7 }, 'token-invalid'],
  ] as const)('is refused when it %s', async ([, payload, code]) => {
    const { status, body, headers } = await get(url, {
      token: await sign(payload, 'HS256', SECRET),
    })
    expect(status).toBe(401)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="saldo", error="invalid_token"$/)
    expect(body).toMatchObject({ status: 401, code })
  })

  test('is refused when it is signed with another secret', async () => {
    const { status, body } = await get(url, { token: await sign(claims, 'HS256', 'another') })
    expect(status).toBe(401)
    expect(body.code).toBe('token-invalid')
  })

  test.for([['HS384'], ['HS512']] as const)(
    'is refused when it is signed with %s',
    async ([alg]) => {
      expect((await get(url, { token: await sign(claims, alg, SECRET) })).status).toBe(401)
    },
  )

  test.for([['none'], ['None'], ['HS256']])(
    'is refused without a signature, whatever algorithm it names: %s',
    async ([alg = '']) => {
      const part = (value: object): string =>
        Buffer.from(JSON.stringify(value)).toString('base64url')
      const token = `${part({ alg, typ: 'JWT' })}.${part(claims)}.`
      const { status, body } = await get(url, { token })
      expect(status).toBe(401)
      expect(body.code).toBe('token-invalid')
    },
  )

  test.for([['garbage'], ['a.b.c'], ['..'], [''], ['a b']])(
    'is refused when it is no token: "%s"',
    async ([token = '']) => {
      expect((await get(url, { token })).status).toBe(401)
    },
  )

  test('that is too long to be one is refused without a look at it', async () => {
    const token = await sign({ ...claims, more: 'x'.repeat(7_000) }, 'HS256', SECRET)
    const { status, body } = await get(url, { token })
    expect(status).toBe(401)
    expect(body.detail).toBe('the token is longer than 8192 characters')
  })

  test('that fills the head of a request is refused as too large', async () => {
    const { status, body } = await get(url, { token: 'x'.repeat(20_000) })
    expect(status).toBe(431)
    expect(body.code).toBe('request-too-large')
  })

  test('that was right a moment ago is refused once it has expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const token = await developmentToken({ userId: 'ana', secret: SECRET, expiresIn: 60 })
      expect((await get(url, { token })).status).toBe(200)
      vi.setSystemTime(Date.now() + 66_000)
      const { status, body } = await get(url, { token })
      expect(status).toBe(401)
      expect(body.code).toBe('token-expired')
    } finally {
      vi.useRealTimers()
    }
  })

  test('that is missing is asked for', async () => {
    const { status, body, headers } = await get(url)
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toBe('Bearer realm="saldo"')
    expect(body).toMatchObject({ code: 'token-missing' })
  })

  test('in the address does not count', async () => {
    const token = await sign(claims, 'HS256', SECRET)
    expect((await get(`${url}?token=${token}&access_token=${token}`)).status).toBe(401)
  })
})

describe('the header that names a user', () => {
  const asked = (operator: boolean, name: string): Promise<Answer> =>
    developmentToken({ userId: 'olga', secret: SECRET, expiresIn: '1h', operator }).then((token) =>
      get(url, { token, headers: { 'saldo-user': name } }),
    )

  test('shows an operator the data of that user, and keeps who asks', async () => {
    const { status, body } = await asked(true, 'ben')
    expect(status).toBe(200)
    expect(body).toEqual({ userId: 'ben', subject: 'olga' })
  })

  test('is refused without the scope of an operator', async () => {
    const { status, body } = await asked(false, 'ben')
    expect(status).toBe(403)
    expect(body.code).toBe('scope-missing')
  })

  test('is refused without it for oneself too', async () => {
    expect((await asked(false, 'olga')).status).toBe(403)
  })

  test.for([['two words'], [''], ['x'.repeat(65)]])(
    'is refused when it is not the id of a user: "%s"',
    async ([name = '']) => {
      const { status, body } = await asked(true, name)
      expect(status).toBe(400)
      expect(body).toMatchObject({ code: 'SALDO_INPUT_INVALID', path: 'saldo-user' })
    },
  )

  test('may be left out by an operator who is a user', async () => {
    const token = await developmentToken({
      userId: 'olga',
      secret: SECRET,
      expiresIn: 60,
      operator: true,
    })
    expect((await get(url, { token })).body).toEqual({ userId: 'olga', subject: 'olga' })
  })

  test.for([['saldo:operators'], ['operator'], ['saldo:operator:read'], [['saldo:operator']]])(
    'is refused with another scope: %s',
    async ([scope]) => {
      const exp = Math.floor(Date.now() / 1_000) + 60
      const token = await sign({ sub: 'olga', aud: 'saldo', exp, scope }, 'HS256', SECRET)
      const { status } = await get(url, { token, headers: { 'saldo-user': 'ben' } })
      expect(status).toBe(403)
    },
  )

  test('is asked for when an operator is no user, however the scope is listed', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 60
    const scope = 'openid saldo:operator'
    const token = await sign(
      { sub: 'auth0|olga of support', aud: 'saldo', exp, scope },
      'HS256',
      SECRET,
    )
    const { status, body } = await get(url, { token })
    expect(status).toBe(400)
    expect(body.detail).toBe('name the user in the header "saldo-user"')
    const named = await get(url, { token, headers: { 'saldo-user': 'ben' } })
    expect(named.body).toEqual({ userId: 'ben', subject: 'auth0|olga of support' })
  })
})

async function sign(
  payload: object,
  alg: 'HS256' | 'HS384' | 'HS512',
  secret: string,
): Promise<string> {
  const key = new TextEncoder().encode(secret.padEnd(64, ' '))
  const exact = alg === 'HS256' ? new TextEncoder().encode(secret) : key
  return await new SignJWT({ ...payload }).setProtectedHeader({ alg }).sign(exact)
}
