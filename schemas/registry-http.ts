/** Requests to a schema registry that speaks Confluent's API, one at a time and each with a time limit. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { SaldoError } from './errors.ts'

/** Where a registry is and how it is entered, as plain data. */
export type RegistryConnection = {
  readonly url: string
  readonly login?: { readonly username: string; readonly password: string }
  /** Certificates of who signs the registry's, as PEM, instead of those that Node trusts. */
  readonly ca?: string
}

export type RegistryAnswer = { readonly status: number; readonly body: unknown }

export type RegistryHttp = {
  readonly agent: HttpAgent
  /** Rejects with SALDO_REGISTRY_UNAVAILABLE when no answer comes, or one that is no answer to us. */
  send(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<RegistryAnswer>
  close(): void
}

const ANSWER_MS = 10_000
const JSON_TYPE = 'application/vnd.schemaregistry.v1+json'

export function registryHttp({ url, login, ca }: RegistryConnection): RegistryHttp {
  const isSecure = url.startsWith('https:')
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true, timeout: ANSWER_MS, ...(ca === undefined ? {} : { ca }) })
    : new HttpAgent({ keepAlive: true, timeout: ANSWER_MS })
  const base = url.replace(/\/+$/, '')
  return {
    agent,
    async send(method, path, body) {
      const request = (isSecure ? httpsRequest : httpRequest)(`${base}${path}`, {
        method,
        agent,
        headers: { accept: JSON_TYPE, 'content-type': JSON_TYPE },
        signal: AbortSignal.timeout(ANSWER_MS),
        ...(login === undefined ? {} : { auth: `${login.username}:${login.password}` }),
      })
      const answered = Promise.withResolvers<RegistryAnswer>()
      request.on('error', answered.reject)
      request.on('response', (response) => {
        const status = response.statusCode ?? 0
        text(response)
          .then((answer) => answered.resolve({ status, body: parsed(answer) }))
          .catch(answered.reject)
      })
      request.end(body === undefined ? undefined : JSON.stringify(body))
      try {
        const answer = await answered.promise
        refuseStatus(answer.status)
        return answer
      } catch (error) {
        throw asRegistryError(error)
      }
    },
    close: () => agent.destroy(),
  }
}

export function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null
    ? (body as { readonly [name: string]: unknown })[name]
    : undefined
}

export function noRegistry(): SaldoError {
  return unavailable('what answers is no schema registry', false)
}

/** A page in HTML is no answer of a registry. */
function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer) as unknown
  } catch {
    return undefined
  }
}

/** Answers that say something about the way to the registry, not about a schema. */
export function refuseStatus(status: number): void {
  if (status === 401 || status === 403) {
    throw new SaldoError(
      'SALDO_CONFIG_INVALID',
      `the schema registry refuses the login (${status}): look at SALDO_SCHEMA_REGISTRY_USER and its password, and at what that user may do`,
    )
  }
  if (status === 429 || status >= 500) throw unavailable(`it answers with ${status}`, true)
}

/** What goes wrong on the way to the registry, in a sentence without addresses or passwords. */
export function asRegistryError(error: unknown): SaldoError {
  if (error instanceof SaldoError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (TLS_CODES.test(code)) {
    return new SaldoError(
      'SALDO_CONFIG_INVALID',
      `the certificate of the schema registry is not trusted (${code}): look at SALDO_SCHEMA_REGISTRY_CA_FILE`,
      { retryable: false, cause: error },
    )
  }
  // What a request rejects with when its time is over names the time in its cause.
  const isTimeout = [error, error instanceof Error ? error.cause : undefined].some(
    (one) => one instanceof Error && one.name === 'TimeoutError',
  )
  const reason = isTimeout ? `no answer within ${ANSWER_MS / 1000} s` : code
  return unavailable(reason === '' ? 'the connection broke' : reason, true, error)
}

const TLS_CODES = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|ERR_TLS/

export function unavailable(reason: string, retryable: boolean, cause?: unknown): SaldoError {
  return new SaldoError(
    'SALDO_REGISTRY_UNAVAILABLE',
    `the schema registry cannot be used: ${reason}; look at SCHEMA_REGISTRY_URL`,
    { retryable, cause },
  )
}
