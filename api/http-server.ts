import type { Socket } from 'node:net'
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { epochDayOf } from '../schemas/dates.ts'
import { isId, isUuid } from '../schemas/ids.ts'
import {
  answerWithProblems,
  HttpProblem,
  invalidInput,
  problemBytes,
  securityHeaders,
  sendError,
} from './problem.ts'

const REQUEST_TIMEOUT_MS = 10_000
/** More than a query may take, so that the query's own error is the answer. */
const HANDLER_TIMEOUT_MS = 12_000
/** How long a refused connection may go on sending. */
const REFUSED_SOCKET_TIMEOUT_MS = 2_000
const BODY_BYTES_MAX = 1_024
const URL_LENGTH_MAX = 4_096
/** Over the longest id, so that a longer one is told what an id is. */
const PARAMETER_LENGTH_MAX = 512

const MONTH = /^[1-9]\d{3}-(?:0[1-9]|1[0-2])$/

export type HttpServerOptions = {
  readonly log?: FastifyBaseLogger
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[]
}

/** A Fastify server whose errors are all problems; request lines are not logged, because addresses hold ids. */
export function httpServer(options: HttpServerOptions = {}): FastifyInstance {
  const app: FastifyInstance = fastify({
    ...(options.log === undefined ? {} : { loggerInstance: options.log }),
    trustProxy: options.trustedProxies === undefined ? false : [...options.trustedProxies],
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    handlerTimeout: HANDLER_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    ajv: {
      customOptions: {
        // An unknown parameter is a mistake worth a sentence, not something to drop in silence.
        removeAdditional: false,
        coerceTypes: true,
        verbose: true,
        formats: {
          id: isId,
          'command-id': isUuid,
          'calendar-date': (text: string) => epochDayOf(text) !== undefined,
          'calendar-month': MONTH,
        },
      },
    },
    frameworkErrors: sendError,
    clientErrorHandler: refuseSocket,
  })
  answerWithProblems(app)
  app.addHook('onRequest', async (request) => {
    if (request.url.length > URL_LENGTH_MAX) {
      throw invalidInput('query', `the address is longer than ${URL_LENGTH_MAX} characters`)
    }
  })
  app.addHook('onSend', async (request, reply) => {
    for (const [name, value] of Object.entries(securityHeaders)) {
      // The documentation page has a policy of its own.
      if (!reply.hasHeader(name)) reply.header(name, value)
    }
    if (request.url.startsWith('/v1/')) reply.header('cache-control', 'no-store')
  })
  return app
}

/** For a server that only answers questions: refuses every other method before it reads a body. */
export function refuseWrites(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    if (request.method === 'GET' || request.method === 'HEAD') return
    throw new HttpProblem({
      status: 405,
      code: 'method-not-allowed',
      detail: 'only GET and HEAD are answered here',
      headers: { allow: 'GET, HEAD' },
    })
  })
}

/** What Node's parser refuses never becomes a request. */
function refuseSocket(error: Error & { readonly code?: string }, socket: Socket): void {
  // The parser refuses every further piece of what it has refused.
  if (socket.writableEnded && !socket.destroyed && error.code !== 'ECONNRESET') return
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  // Whoever is still sending would get a reset instead of the answer: it is read, and dropped, for a moment.
  socket.on('error', () => socket.destroy())
  setTimeout(() => socket.destroy(), REFUSED_SOCKET_TIMEOUT_MS).unref()
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  socket.end(
    problemBytes(
      isTooLarge
        ? { status: 431, code: 'request-too-large', detail: 'the head of the request is too large' }
        : { status: 400, code: 'request-malformed', detail: 'the request cannot be read' },
    ),
  )
}
