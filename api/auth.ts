/**
 * Who asks, and whose data is shown.
 *
 * Invariant: behind `authenticate`, `userIdOf` is the subject of a valid token, or another user that a token with the
 * operator's scope names in a header. Nothing else of a request says whose data it is.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { isId } from '../schemas/ids.ts'
import { HttpProblem, invalidInput, quoted, type ProblemCode } from './problem.ts'
import { tokenKeys, type KeySource, type TokenKeys } from './token-keys.ts'

export const AUDIENCE_DEFAULT = 'saldo'
export const OPERATOR_SCOPE = 'saldo:operator'
/** Names the user that an operator asks about. */
export const USER_HEADER = 'saldo-user'

const TOKEN_LENGTH_MAX = 8_192
/** Clocks of the issuer and of this machine may differ by so much. */
const CLOCK_TOLERANCE_SECONDS = 5
const TOKENS_REMEMBERED_MAX = 10_000
const OPERATOR_LENGTH_MAX = 200

export type TokenOptions = {
  readonly keys: KeySource
  readonly audience?: string
  /** Checked when it is given. */
  readonly issuer?: string
  /** Milliseconds, for how old keys are. */
  readonly now?: () => number
}

/** Who asks: what a valid token says. */
export type Identity = {
  readonly subject: string
  readonly isOperator: boolean
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

type Reader = Identity & {
  /** Whose data is shown. */
  readonly userId: string
}

declare module 'fastify' {
  interface FastifyInstance {
    checkToken: ((token: string) => Promise<Identity>) | undefined
  }
  interface FastifyRequest {
    reader: Reader | undefined
  }
}

/** Lets `app` check tokens; call it before routes are registered. */
export async function useTokens(app: FastifyInstance, options: TokenOptions): Promise<void> {
  const keys = await tokenKeys(options.keys, options.now)
  app.decorateRequest('reader', undefined)
  app.decorate('checkToken', remembering(keys, tokenCheck(keys, options)))
}

/** An onRequest hook: nobody without a valid token gets past it. */
export async function authenticate(request: FastifyRequest): Promise<void> {
  const { checkToken } = request.server
  if (checkToken === undefined) throw new Error('authenticate needs useTokens')
  const identity = await checkToken(tokenOf(request))
  request.reader = { ...identity, userId: userIdFor(identity, request) }
}

/** Whose data an authenticated request shows. */
export function userIdOf(request: FastifyRequest): string {
  return readerOf(request).userId
}

/** Who asks, for the audit and for limits, beside whose data is shown. */
export function readerOf(request: FastifyRequest): Reader {
  if (request.reader === undefined) throw new Error('a route that shows data needs authenticate')
  return request.reader
}

function tokenOf(request: FastifyRequest): string {
  const [scheme = '', token, ...more] = (request.headers.authorization ?? '').split(' ')
  if (scheme.toLowerCase() !== 'bearer' || token === undefined || more.length > 0) {
    throw unauthenticated('token-missing', 'send a token as "Authorization: Bearer …"')
  }
  if (token.length > TOKEN_LENGTH_MAX) {
    throw unauthenticated(
      'token-invalid',
      `the token is longer than ${TOKEN_LENGTH_MAX} characters`,
    )
  }
  return token
}

function userIdFor({ subject, isOperator }: Identity, request: FastifyRequest): string {
  const named = request.headers[USER_HEADER]
  if (named === undefined) {
    if (isId(subject)) return subject
    // An operator is a person of the issuer: only when it names nobody has it to be one of our users.
    throw isOperator
      ? invalidInput(USER_HEADER, `name the user in the header "${USER_HEADER}"`)
      : unauthenticated('token-invalid', 'the subject of the token is not the id of a user')
  }
  if (!isOperator) {
    throw new HttpProblem({
      status: 403,
      code: 'scope-missing',
      detail: `the header "${USER_HEADER}" needs a token with the scope ${OPERATOR_SCOPE}`,
    })
  }
  if (typeof named === 'string' && isId(named)) return named
  throw invalidInput(USER_HEADER, `"${USER_HEADER}" must be the id of a user, got ${quoted(named)}`)
}

function tokenCheck(keys: TokenKeys, options: TokenOptions) {
  const rules = {
    algorithms: [...keys.algorithms],
    audience: options.audience ?? AUDIENCE_DEFAULT,
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
  }
  const payloadOf = async (token: string, get: JWTVerifyGetKey): Promise<JWTPayload> => {
    try {
      return (await jwtVerify(token, get, rules)).payload
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const others = await keys.otherThan(get)
      if (others === undefined) throw error
      return (await jwtVerify(token, others, rules)).payload
    }
  }
  return async (token: string, get: JWTVerifyGetKey): Promise<Identity> => {
    try {
      return identityOf(await payloadOf(token, get))
    } catch (error) {
      throw refusal(error)
    }
  }
}

function identityOf({ sub, exp, scope }: JWTPayload): Identity {
  const isOperator = typeof scope === 'string' && scope.split(' ').includes(OPERATOR_SCOPE)
  const isSubject =
    typeof sub === 'string' &&
    (isId(sub) || (isOperator && sub !== '' && sub.length <= OPERATOR_LENGTH_MAX))
  if (!isSubject || exp === undefined) {
    throw unauthenticated('token-invalid', 'the subject of the token is not the id of a user')
  }
  return { subject: sub, isOperator, expiresAt: exp * 1000 }
}

/** A signature takes up to 0.4 ms to check, and a client sends the same token for hours. */
function remembering(
  keys: TokenKeys,
  check: (token: string, get: JWTVerifyGetKey) => Promise<Identity>,
): (token: string) => Promise<Identity> {
  const known = new Map<string, { readonly identity: Identity; readonly get: JWTVerifyGetKey }>()
  return async (token) => {
    const get = await keys.current()
    const found = known.get(token)
    // Checked with keys that are gone, or expired: it has to be refused with its own reason.
    if (found?.get === get && found.identity.expiresAt > Date.now()) return found.identity
    known.delete(token)
    const identity = await check(token, get)
    const oldest = known.size < TOKENS_REMEMBERED_MAX ? undefined : known.keys().next().value
    if (oldest !== undefined) known.delete(oldest)
    known.set(token, { identity, get })
    return identity
  }
}

function refusal(error: unknown): Error {
  if (error instanceof HttpProblem) return error
  if (error instanceof errors.JWTExpired) {
    return unauthenticated('token-expired', 'the token has expired: get a new one')
  }
  // Keys of the issuer that cannot be imported end here too: no token can be checked with them.
  return unauthenticated('token-invalid', 'the token is not valid here')
}

function unauthenticated(code: ProblemCode, detail: string): HttpProblem {
  const error = code === 'token-missing' ? '' : ', error="invalid_token"'
  const headers = { 'www-authenticate': `Bearer realm="saldo"${error}` }
  return new HttpProblem({ status: 401, code, detail, headers })
}
