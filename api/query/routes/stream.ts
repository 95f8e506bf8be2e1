import type { FastifyInstance, FastifyReply } from 'fastify'
import { openChangeFeed } from '../../../sink/change-feed.ts'
import { readerOf } from '../../auth.ts'
import { securityHeaders } from '../../problem.ts'
import { parameters } from '../schemas.ts'
import {
  endText,
  streamHub,
  type Listener,
  type StreamHub,
  type StreamLimits,
} from '../stream-hub.ts'

const HEARTBEAT_MS = 15_000
/** The longest time that a timer takes. */
const TIMER_MS_MAX = 2_147_483_647

const DESCRIPTION = `Server-sent events. \`ready\` comes first: read what you show after it. \`changed\` says what to read again, as \`{"changed": ["accounts", "transactions"]}\`; after a gap it names everything. \`end\` says why the stream ends: \`token-expired\` or \`shutting-down\`. A client that comes back with the header \`Last-Event-ID\` misses nothing.`

const schema = {
  summary: 'What changes, as it changes',
  description: DESCRIPTION,
  operationId: 'getStream',
  tags: ['Live'],
  querystring: parameters({}),
  headers: {
    type: 'object',
    properties: {
      'last-event-id': {
        type: 'string',
        maxLength: 64,
        description: 'the id of an event of an earlier stream',
      },
    },
  },
  response: {
    200: {
      description: 'Events, until the token expires or the client leaves.',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    },
  },
}

export type StreamOptions = {
  readonly databaseUrl: string
  readonly limits: StreamLimits
  /** Milliseconds between heartbeats, and between looks for what was lost; for tests. */
  readonly heartbeatMs?: number
  readonly pollMs?: number
}

type Route = { Headers: { 'last-event-id'?: string } }

export function streamRoute(app: FastifyInstance, options: StreamOptions): StreamHub {
  const { databaseUrl, limits, heartbeatMs = HEARTBEAT_MS, pollMs } = options
  const feed = openChangeFeed(databaseUrl, (change) => hub.changed(change), pollMs)
  const hub = streamHub(feed, limits)
  const beating = setInterval(() => hub.heartbeat(), heartbeatMs)
  beating.unref()
  // Before the server waits for its connections: a stream would never end by itself.
  app.addHook('preClose', async () => {
    clearInterval(beating)
    hub.close()
    await feed.close()
  })
  const config = { isStream: true }
  app.get<Route>('/stream', { schema, config, exposeHeadRoute: false }, async (request, reply) => {
    const { userId, expiresAt } = readerOf(request)
    await feed.ready()
    // From here to the open stream nothing waits, so that two that come at once are both counted.
    hub.admit(userId)
    reply.hijack()
    request.audit(200)
    const listener = listenerOf(userId, reply)
    const leave = hub.open(listener, request.headers['last-event-id'])
    const expiry = setTimeout(
      () => {
        leave()
        listener.write(endText('token-expired'))
        listener.end()
      },
      Math.min(Math.max(expiresAt - Date.now(), 0), TIMER_MS_MAX),
    )
    expiry.unref()
    reply.raw.on('close', () => {
      clearTimeout(expiry)
      leave()
    })
  })
  return hub
}

function listenerOf(userId: string, reply: FastifyReply): Listener {
  const { raw } = reply
  reply.headers({
    ...securityHeaders,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies that collect an answer before they pass it on would keep every event.
    'x-accel-buffering': 'no',
  })
  // A hijacked reply sends nothing by itself, what hooks gave it included.
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) raw.setHeader(name, value)
  }
  raw.writeHead(200)
  return {
    userId,
    write: (text) => raw.write(text),
    drop: () => raw.destroy(),
    end: () => raw.end(),
  }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer ends when the client leaves: how long it took says nothing. */
    isStream?: boolean
  }
}
