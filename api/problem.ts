/**
 * Every error that leaves over HTTP: RFC 9457 problem details with a stable `code`.
 *
 * Invariant: a problem holds what the caller sent or may know, never a message of the database, a
 * stack or a path. Codes in capitals are those of schemas/errors.ts; the others exist only on HTTP.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SaldoError, type ErrorCode } from '../schemas/errors.ts'

export const httpCodes = [
  'token-missing',
  'token-invalid',
  'token-expired',
  'keys-unavailable',
  'scope-missing',
  'too-many-requests',
  'too-many-streams',
  'not-found',
  'method-not-allowed',
  'request-malformed',
  'request-too-large',
  'timeout',
  'shutting-down',
  'internal-error',
] as const

export type ProblemCode = ErrorCode | (typeof httpCodes)[number]

type ProblemDetails = {
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
  /** The parameter the sentence is about. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** On every answer: nothing of it may run, be framed, be guessed at or be told to another site. */
export const securityHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

const PROBLEM_TYPE = 'application/problem+json'
const RETRY_AFTER_SECONDS = '2'
const QUOTED_LENGTH_MAX = 40

export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly details: ProblemDetails

  constructor(details: ProblemDetails, options: { readonly cause?: unknown } = {}) {
    super(details.detail, options)
    this.details = details
  }
}

export function invalidInput(path: string, detail: string): HttpProblem {
  return new HttpProblem({ status: 400, code: 'SALDO_INPUT_INVALID', path, detail })
}

/** Also the answer for what belongs to somebody else: whether it exists is theirs to know. */
export function notFound(detail: string): HttpProblem {
  return new HttpProblem({ status: 404, code: 'not-found', detail })
}

export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  return JSON.stringify(
    text.length > QUOTED_LENGTH_MAX ? `${text.slice(0, QUOTED_LENGTH_MAX)}…` : text,
  )
}

export function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler(sendError)
  app.setNotFoundHandler(() => {
    throw notFound('there is nothing at this address')
  })
}

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { details } = problemOf(error)
  if (details.status === 500) {
    request.log.error({ err: error, route: request.routeOptions.url }, 'request failed')
  }
  void reply
    .code(details.status)
    .headers({ 'cache-control': 'no-store', ...securityHeaders })
    .headers(details.headers ?? {})
    .type(PROBLEM_TYPE)
    .serializer((body: string) => body)
    .send(problemJson(details))
}

/** For a request that is not HTTP enough to have a reply object. */
export function problemBytes(details: ProblemDetails): string {
  const body = problemJson(details)
  return [
    `HTTP/1.1 ${details.status} ${titleOf(details.status)}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

function problemJson({ status, code, detail, path }: ProblemDetails): string {
  return JSON.stringify({ type: 'about:blank', title: titleOf(status), status, code, detail, path })
}

function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error'
}

function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (error instanceof SaldoError) return operatingProblem(error)
  if (!(error instanceof Error)) return internal
  // Fastify throws nothing else that has one of these fields.
  const { validation, statusCode, code } = error as Partial<FastifyError>
  if (validation !== undefined) return validationProblem(validation)
  if (code === 'FST_ERR_HANDLER_TIMEOUT') return unavailable('timeout', 'the answer took too long')
  if (statusCode === 413) {
    return new HttpProblem({
      status: 413,
      code: 'request-too-large',
      detail: 'the request is too large',
    })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HttpProblem({
      status: 400,
      code: 'request-malformed',
      detail: 'the request cannot be read',
    })
  }
  if (statusCode === 503) return unavailable('shutting-down', 'the server is shutting down')
  return internal
}

const internal = new HttpProblem({
  status: 500,
  code: 'internal-error',
  detail: 'an error of ours: it is in the log of the server',
})

function unavailable(code: ProblemCode, detail: string): HttpProblem {
  return new HttpProblem({
    status: 503,
    code,
    detail,
    headers: { 'retry-after': RETRY_AFTER_SECONDS },
  })
}

const databaseCodes: ReadonlySet<ErrorCode> = new Set([
  'SALDO_DATABASE_UNAVAILABLE',
  'SALDO_DATABASE_SETUP',
])

function operatingProblem(error: SaldoError): HttpProblem {
  if (databaseCodes.has(error.code)) {
    return unavailable(error.code, 'the database cannot be reached: try again in a moment')
  }
  if (error.code !== 'SALDO_INPUT_INVALID') return internal
  return new HttpProblem({ status: 400, code: error.code, detail: error.message })
}

/** What Ajv tells with `verbose`, which http-server.ts sets. */
type Violation = {
  readonly instancePath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  readonly data?: unknown
  readonly parentSchema?: { readonly description?: string }
}

/** The description of a parameter completes the sentence, so a schema says each rule once. */
function validationProblem(violations: NonNullable<FastifyError['validation']>): HttpProblem {
  const violation = violations[0] as Violation | undefined
  if (violation === undefined) return internal
  const { keyword, params } = violation
  if (keyword === 'additionalProperties') {
    const name = String(params['additionalProperty'])
    return invalidInput(name, `${quoted(name)} is not a parameter of this address`)
  }
  if (keyword === 'required') {
    const name = String(params['missingProperty'])
    return invalidInput(name, `"${name}" is required`)
  }
  const path = violation.instancePath.slice(1)
  const rule = violation.parentSchema?.description ?? 'valid'
  return invalidInput(path, `"${path}" must be ${rule}, got ${quoted(violation.data)}`)
}
