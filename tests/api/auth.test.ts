import { fastifyJwt } from '@fastify/jwt'
import { fastify } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authenticate, userIdOf, useTokens } from '../../api/auth.ts'
import { httpServer } from '../../api/http-server.ts'
import { developmentToken } from '../../api/token.ts'
import { get, SECRET } from './query/client.ts'

const app = httpServer()
let url: string

beforeAll(async () => {
  useTokens(app, { secret: SECRET })
  app.get('/me', { onRequest: authenticate }, async (request) => ({ userId: userIdOf(request) }))
  url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/me`
})
afterAll(() => app.close())

describe('a token', () => {
  test('of its audience with an expiry and a subject lets its user in', async () => {
    const token = await developmentToken({ userId: 'ana', secret: SECRET, expiresIn: '1h' })
    const { status, body } = await get(url, { token })
    expect(status).toBe(200)
    expect(body).toEqual({ userId: 'ana' })
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

  test.for([['garbage'], ['a.b.c'], ['..'], ['']])(
    'is refused when it is no token: "%s"',
    async ([token = '']) => {
      expect((await get(url, { token })).status).toBe(401)
    },
  )

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

async function sign(
  payload: object,
  algorithm: 'HS256' | 'HS384' | 'HS512',
  secret: string,
): Promise<string> {
  const signer = fastify()
  signer.register(fastifyJwt, { secret, sign: { algorithm } })
  await signer.ready()
  return signer.jwt.sign(payload)
}
