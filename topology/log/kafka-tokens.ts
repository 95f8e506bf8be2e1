/**
 * SASL OAUTHBEARER (RFC 7628). kafkajs's own takes a refusal for success: a broker that does not accept a token answers
 * with a reason and without an error, and says no only after one more message.
 */
import type { AuthenticationProviderArgs, Authenticator } from 'kafkajs'
import { SaldoError } from '../../schemas/errors.ts'
import { kafkaSettings, readFile, readSecret, type TokenSource } from './kafka-security.ts'

const SEPARATOR = '\u0001'
const FETCH_TIMEOUT_MS = 10_000
/** A token is used for so much of its life; what is left is for the connection that it was asked for. */
const USED_FOR = 0.8

type Endpoint = Exclude<TokenSource, { readonly file: string }>

/** Asks for a token whenever a broker wants one: at every new connection, and before a session ends. */
export function bearerProvider(
  source: TokenSource,
): (connection: AuthenticationProviderArgs) => Authenticator {
  const token = 'file' in source ? () => tokenOf(source.file) : tokensFrom(source)
  return ({ saslAuthenticate }) => ({
    async authenticate() {
      const bearer = await token()
      const say = (text: string): Promise<Buffer | void> =>
        saslAuthenticate<Buffer>({
          request: { encode: () => sized(text) },
          response: { decode: (answer) => answer.subarray(4), parse: (answer) => answer },
        })
      const reason = await say(`n,,${SEPARATOR}auth=Bearer ${bearer}${SEPARATOR}${SEPARATOR}`)
      if (reason === undefined || reason.length === 0) return
      // The broker says no, and closes the connection, after this only.
      await say(SEPARATOR).catch(() => undefined)
      const given = 'file' in source ? kafkaSettings.tokenFile : kafkaSettings.tokenUrl
      throw noToken(`Kafka does not accept the token (${reason.toString()}): look at ${given}`)
    },
  })
}

function sized(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** As the file is now: whoever renews it needs to tell nobody. */
function tokenOf(path: string): Promise<string> {
  return Promise.try(() => {
    const token = readFile(kafkaSettings.tokenFile, path).trim()
    const expiresAt = expiryOf(token)
    if (expiresAt === undefined || expiresAt > Date.now()) return token
    throw noToken(
      `the token in "${path}" (${kafkaSettings.tokenFile}) expired at ${new Date(expiresAt).toISOString()}: see to it that it is renewed`,
    )
  })
}

/** Undefined for what is no JWT, which only the broker understands. */
function expiryOf(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
    )
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return undefined
    return typeof claims.exp === 'number' ? claims.exp * 1000 : undefined
  } catch {
    return undefined
  }
}

/** The grant for clients of their own (RFC 6749, 4.4). Connections that are made at once share one token. */
function tokensFrom(endpoint: Endpoint): () => Promise<string> {
  let current: { readonly token: Promise<Granted>; readonly until: number } | undefined
  return async () => {
    if (current === undefined || Date.now() >= current.until) {
      const asked = { token: grant(endpoint), until: Number.POSITIVE_INFINITY }
      current = asked
      try {
        const { lifeMs } = await asked.token
        current = { token: asked.token, until: Date.now() + lifeMs * USED_FOR }
      } catch (error) {
        current = undefined
        throw error
      }
    }
    return (await current.token).token
  }
}

type Granted = { readonly token: string; readonly lifeMs: number }

async function grant({ url, clientId, clientSecret, scope }: Endpoint): Promise<Granted> {
  const encoded = [clientId, readSecret(clientSecret)].map(encodeURIComponent).join(':')
  const asking = `${kafkaSettings.tokenUrl} (${new URL(url).host})`
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(encoded).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      ...(scope === undefined ? {} : { scope }),
    }),
    // A secret goes to the address that was given, and nowhere else.
    redirect: 'error',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw noToken(`${asking} cannot be reached for a token`, cause)
  })
  if (!answer.ok) {
    throw noToken(
      `${asking} gives no token (HTTP ${answer.status}): look at ${kafkaSettings.user} and ${kafkaSettings.password}, the id and the secret of the client`,
    )
  }
  const granted: unknown = await answer.json().catch(() => undefined)
  if (typeof granted === 'object' && granted !== null && 'access_token' in granted) {
    const lifeS = 'expires_in' in granted ? Number(granted.expires_in) : Number.NaN
    if (typeof granted.access_token === 'string') {
      return { token: granted.access_token, lifeMs: Number.isFinite(lifeS) ? lifeS * 1000 : 0 }
    }
  }
  throw noToken(`${asking} answers with something that is no token`)
}

function noToken(message: string, cause?: unknown): SaldoError {
  return new SaldoError('SALDO_LOG_UNAVAILABLE', message, { retryable: true, cause })
}
