import { fastifyJwt } from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isId } from '../schemas/ids.ts'
import { HttpProblem, type ProblemCode } from './problem.ts'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: { readonly sub?: unknown }
    user: { readonly userId: unknown }
  }
}

const AUDIENCE = 'saldo'
/** Pinned: a token that names another one, `none` included, is refused whatever its signature. */
const ALGORITHM = 'HS256'

/** Lets `app` sign and verify tokens of HS256 for the audience `saldo`, with an expiry and a subject. */
export function useTokens(app: FastifyInstance, options: { readonly secret: string }): void {
  app.register(fastifyJwt, {
    secret: options.secret,
    sign: { algorithm: ALGORITHM, aud: AUDIENCE },
    verify: {
      algorithms: [ALGORITHM],
      allowedAud: AUDIENCE,
      requiredClaims: ['aud', 'exp', 'sub'],
    },
    formatUser: (payload) => ({ userId: payload.sub }),
  })
}

/** An onRequest hook: nobody without a valid token gets past it. */
export async function authenticate(request: FastifyRequest): Promise<void> {
  try {
    await request.jwtVerify()
  } catch (error) {
    throw refusal(error)
  }
  userIdOf(request)
}

/** The user that the token of an authenticated request was made for. */
export function userIdOf(request: FastifyRequest): string {
  const { userId } = request.user
  if (typeof userId === 'string' && isId(userId)) return userId
  throw unauthenticated('token-invalid', 'the subject of the token is not the id of a user')
}

function refusal(error: unknown): HttpProblem {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'FST_JWT_NO_AUTHORIZATION_IN_HEADER':
      return unauthenticated('token-missing', 'send a token as "Authorization: Bearer …"')
    case 'FST_JWT_AUTHORIZATION_TOKEN_EXPIRED':
      return unauthenticated('token-expired', 'the token has expired: get a new one')
    default:
      return unauthenticated('token-invalid', 'the token is not valid here')
  }
}

function unauthenticated(code: ProblemCode, detail: string): HttpProblem {
  const error = code === 'token-missing' ? '' : ', error="invalid_token"'
  const headers = { 'www-authenticate': `Bearer realm="saldo"${error}` }
  return new HttpProblem({ status: 401, code, detail, headers })
}
