import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { authenticate, userIdOf, useTokens, type TokenOptions } from '../../api/auth.ts'
import { httpServer } from '../../api/http-server.ts'
import { get, type Answer } from './query/client.ts'

type Pair = {
  readonly alg: string
  readonly sign: CryptoKey
  readonly jwk: JWK
  readonly pem: string
}

const ISSUER = 'https://issuer.example'
let first: Pair
let second: Pair
let others: readonly Pair[]

beforeAll(async () => {
  first = await pair('RS256', 'first')
  second = await pair('ES256', 'second')
  others = [second, await pair('EdDSA', 'third')]
})

/** An issuer that serves these keys, and counts how often it is asked. */
const issuer = { keys: [] as readonly JWK[], status: 200, asked: 0 }
let issuing: Server
let jwksUrl: string
/** Milliseconds, as the API sees them. */
let now = 0
let app: FastifyInstance | undefined
let url: string

beforeAll(async () => {
  issuing = createServer((_request, response) => {
    issuer.asked += 1
    response.writeHead(issuer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: issuer.keys }))
  })
  await new Promise<void>((resolve) => issuing.listen(0, '127.0.0.1', resolve))
  jwksUrl = `http://127.0.0.1:${(issuing.address() as AddressInfo).port}/keys`
})
afterAll(() => new Promise((resolve) => issuing.close(resolve)))
beforeEach(() => {
  Object.assign(issuer, { keys: [first.jwk], status: 200, asked: 0 })
  now = 0
})
afterEach(async () => {
  await app?.close()
  app = undefined
})

async function start(options: Partial<TokenOptions> = {}): Promise<void> {
  app = httpServer()
  await useTokens(app, { keys: { jwksUrl }, issuer: ISSUER, now: () => now, ...options })
  app.get('/me', { onRequest: authenticate }, async (request) => ({ userId: userIdOf(request) }))
  url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/me`
}

type Claims = { readonly [claim: string]: unknown }
const claims = (more: Claims = {}): Claims => ({
  sub: 'ana',
  aud: 'saldo',
  iss: ISSUER,
  exp: Math.floor(Date.now() / 1_000) + 60,
  ...more,
})

async function pair(alg: string, kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { alg, sign: privateKey, jwk, pem: await exportSPKI(publicKey) }
}

function tokenOf(
  { alg, sign, jwk }: Pair,
  more: Claims = {},
  header: Claims = {},
): Promise<string> {
  return new SignJWT(claims(more))
    .setProtectedHeader({ alg, kid: String(jwk.kid), ...header })
    .sign(sign)
}

const ask = async (token: string): Promise<Answer> => await get(url, { token })

describe('a token of an issuer with public keys', () => {
  test('lets its user in, whatever kind of key signed it', async () => {
    issuer.keys = [first.jwk, ...others.map(({ jwk }) => jwk)]
    await start()
    for (const one of [first, ...others]) {
      const { status, body } = await ask(await tokenOf(one))
      expect([one.alg, status, body]).toEqual([one.alg, 200, { userId: 'ana' }])
    }
  })

  test.for([
    ['another audience', { aud: 'other' }, 'token-invalid'],
    ['another issuer', { iss: 'https://other.example' }, 'token-invalid'],
    ['no issuer', { iss: undefined }, 'token-invalid'],
    ['a time that has passed', { exp: 1_000 }, 'token-expired'],
    ['a time to come', { nbf: 4_000_000_000, exp: 4_000_000_060 }, 'token-invalid'],
  ] as const)('is refused for %s', async ([, more, code]) => {
    await start()
    const { status, body } = await ask(await tokenOf(first, more))
    expect(status).toBe(401)
    expect(body.code).toBe(code)
  })

  test('is refused when a public key was used as a secret', async () => {
    await start()
    for (const secret of [first.pem, JSON.stringify(first.jwk), String(first.jwk.n)]) {
      const token = await new SignJWT(claims())
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .sign(new TextEncoder().encode(secret))
      const { status, body } = await ask(token)
      expect([status, body.code]).toEqual([401, 'token-invalid'])
    }
  })

  test('is refused when it brings its own key, or says where there is one', async () => {
    await start()
    const mine = await pair('RS256', 'first')
    for (const header of [{ jwk: mine.jwk }, { jku: jwksUrl }, {}]) {
      expect((await ask(await tokenOf(mine, {}, header))).status).toBe(401)
    }
  })

  test('is refused when it is signed by the right key in another way', async () => {
    const { alg: _alg, ...open } = first.jwk
    issuer.keys = [open]
    await start()
    const key = await crypto.subtle.exportKey('pkcs8', first.sign)
    const hash = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' }
    const sign = await crypto.subtle.importKey('pkcs8', key, hash, false, ['sign'])
    expect((await ask(await tokenOf({ ...first, alg: 'RS512', sign }))).status).toBe(401)
    expect((await ask(await tokenOf(first))).status).toBe(200)
  })

  test('is refused without a signature', async () => {
    await start()
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const token = `${part({ alg: 'none', kid: 'first' })}.${part(claims())}.`
    expect((await ask(token)).status).toBe(401)
  })
})

describe('the keys of an issuer', () => {
  test('are asked for once, at the first token', async () => {
    await start()
    expect(issuer.asked).toBe(0)
    for (let turn = 0; turn < 5; turn += 1) {
      expect((await ask(await tokenOf(first, { turn }))).status).toBe(200)
    }
    expect(issuer.asked).toBe(1)
  })

  test('are asked for again when a token names a new one', async () => {
    await start()
    await ask(await tokenOf(first))
    issuer.keys = [second.jwk]
    now += 10_000
    expect((await ask(await tokenOf(second))).status).toBe(200)
    expect(issuer.asked).toBe(2)
  })

  test('that were withdrawn let nobody in, not even with a token that was right before', async () => {
    await start()
    const token = await tokenOf(first)
    expect((await ask(token)).status).toBe(200)
    issuer.keys = [second.jwk]
    now += 10_000
    await ask(await tokenOf(second))
    expect((await ask(token)).status).toBe(401)
  })

  test('are not asked for more often because tokens name keys that nobody knows', async () => {
    await start()
    await ask(await tokenOf(first))
    now += 10_000
    const unknown = await Promise.all(
      Array.from({ length: 20 }, async (_, kid) => tokenOf(first, {}, { kid: `unknown-${kid}` })),
    )
    for (const { status } of await Promise.all(unknown.map(ask))) expect(status).toBe(401)
    expect(issuer.asked).toBe(2)
  })

  test('that are away answer 503, are not asked for at every token, and are found later', async () => {
    issuer.status = 500
    await start()
    for (let turn = 0; turn < 3; turn += 1) {
      const { status, body, headers } = await ask(await tokenOf(first, { turn }))
      expect([status, body.code]).toEqual([503, 'keys-unavailable'])
      expect(headers.get('retry-after')).toBe('10')
    }
    expect(issuer.asked).toBe(1)
    issuer.status = 200
    now += 10_000
    expect((await ask(await tokenOf(first))).status).toBe(200)
  })

  test('go on for an hour when the issuer is away, and no longer', async () => {
    await start()
    await ask(await tokenOf(first))
    issuer.status = 500
    now += 3_600_000
    expect((await ask(await tokenOf(first))).status).toBe(200)
    now += 10_001
    expect((await ask(await tokenOf(first))).status).toBe(503)
  })

  test('with a secret among them are of no use to anybody', async () => {
    const secret = Buffer.from('a secret that an issuer should not show').toString('base64url')
    issuer.keys = [{ kty: 'oct', kid: 'first', k: secret }]
    await start()
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS256', kid: 'first' })
      .sign(Buffer.from(secret, 'base64url'))
    expect((await ask(token)).status).toBe(401)
  })
})

describe('a file of public keys', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'saldo-keys-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('is read again when a token names a key that is not in it', async () => {
    const jwksFile = join(folder, 'keys.json')
    await writeFile(jwksFile, JSON.stringify({ keys: [first.jwk] }))
    await start({ keys: { jwksFile } })
    expect((await ask(await tokenOf(first))).status).toBe(200)
    await writeFile(jwksFile, JSON.stringify({ keys: [first.jwk, second.jwk] }))
    expect((await ask(await tokenOf(second))).status).toBe(401)
    now += 10_000
    expect((await ask(await tokenOf(second))).status).toBe(200)
  })

  test('that is missing or holds something else refuses to start', async () => {
    const other = join(folder, 'other.json')
    await writeFile(other, '{"keys": "none"}')
    for (const jwksFile of [other, join(folder, 'nothing.json')]) {
      await expect(start({ keys: { jwksFile } })).rejects.toMatchObject({
        code: 'SALDO_CONFIG_INVALID',
      })
    }
  })
})
