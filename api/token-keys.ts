/**
 * The keys that tokens are checked with.
 *
 * Invariant: one source gives one kind of key, and its algorithms are the only ones that are tried: a public key is
 * never used as a secret. What asks for keys again, a kid that nobody knows above all, does so at most every ten
 * seconds, however many tokens name it.
 */
import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { SaldoError } from '../schemas/errors.ts'
import { HttpProblem } from './problem.ts'

/** A secret that tokens are signed with here, or the public keys (RFC 7517) of whoever issues them. */
export type KeySource =
  | { readonly secret: string }
  | { readonly jwksUrl: string }
  | { readonly jwksFile: string }

export type TokenKeys = {
  readonly algorithms: readonly string[]
  /** The keys as last read. Rejects with a problem 503 when there are none, or none that are recent enough. */
  current(): Promise<JWTVerifyGetKey>
  /** Other keys than `seen`, asked for again when that may be; undefined when there are none. */
  otherThan(seen: JWTVerifyGetKey): Promise<JWTVerifyGetKey | undefined>
}

export const SECRET_ALGORITHM = 'HS256'
const PUBLIC_ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519']

const ASK_AGAIN_MS = 10_000
const FRESH_MS = 600_000
/** An issuer that is away keeps its users in for so long, and a key that it withdrew as well. */
const STALE_MS_MAX = 3_600_000
const FETCH_TIMEOUT_MS = 5_000

/** Rejects with SALDO_CONFIG_INVALID for a file that holds no keys; an address may answer later. */
export async function tokenKeys(
  source: KeySource,
  now: () => number = () => performance.now(),
): Promise<TokenKeys> {
  if ('secret' in source) return secretKeys(source.secret)
  const keys = publicKeys(
    'jwksUrl' in source ? () => fetchText(source.jwksUrl) : () => readFile(source.jwksFile, 'utf8'),
    now,
  )
  if ('jwksFile' in source) {
    await keys.current().catch((error: unknown) => {
      const message = `"${source.jwksFile}" is not a readable file of public keys (JWKS)`
      throw new SaldoError('SALDO_CONFIG_INVALID', message, { retryable: false, cause: error })
    })
  }
  return keys
}

/** Imported once: doing so for every token costs as much as checking it. */
export async function signingKey(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret)
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  return await crypto.subtle.importKey('raw', bytes, algorithm, false, ['sign', 'verify'])
}

async function secretKeys(secret: string): Promise<TokenKeys> {
  const key = await signingKey(secret)
  const get: JWTVerifyGetKey = () => key
  return {
    algorithms: [SECRET_ALGORITHM],
    current: () => Promise.resolve(get),
    otherThan: () => Promise.resolve(undefined),
  }
}

function publicKeys(read: () => Promise<string>, now: () => number): TokenKeys {
  let known: { readonly text: string; readonly get: JWTVerifyGetKey } | undefined
  let readAt = -Infinity
  let askedAt = -Infinity
  let failure: unknown
  let asking: Promise<void> | undefined

  const ask = async (): Promise<void> => {
    askedAt = now()
    try {
      const text = await read()
      // The same keys stay the same object: nobody tries a token again for them.
      if (text !== known?.text) known = { text, get: keysOf(text) }
      readAt = now()
    } catch (error) {
      failure = error
    } finally {
      asking = undefined
    }
  }
  const askIfDue = (): Promise<void> => {
    if (asking === undefined && now() - askedAt < ASK_AGAIN_MS) return Promise.resolve()
    return (asking ??= ask())
  }
  return {
    algorithms: PUBLIC_ALGORITHMS,
    async current() {
      const age = now() - readAt
      // Nobody waits for a look that only makes sure.
      if (age > FRESH_MS) {
        const asked = askIfDue()
        if (age > STALE_MS_MAX) await asked
      }
      if (known !== undefined && now() - readAt <= STALE_MS_MAX) return known.get
      throw new HttpProblem(
        {
          status: 503,
          code: 'keys-unavailable',
          detail: 'the keys that tokens are checked with cannot be read: try again in a moment',
          headers: { 'retry-after': String(ASK_AGAIN_MS / 1000) },
        },
        { cause: failure },
      )
    },
    async otherThan(seen) {
      if (known?.get === seen) await askIfDue()
      return known?.get === seen ? undefined : known?.get
    },
  }
}

function keysOf(text: string): JWTVerifyGetKey {
  return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  })
  if (!response.ok) throw new Error(`the address of the keys answers ${response.status}`)
  return await response.text()
}
