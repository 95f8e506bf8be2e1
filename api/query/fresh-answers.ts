/**
 * What every answer of the tables says about itself, in one place: how fresh it is, and by which ETag it can be asked
 * for again.
 *
 * Invariant: an ETag is the user's, the address's and the release's, and is another one whenever the answer may be. So
 * 304 is told from the position of the tables alone, before any table is read.
 */
import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Freshness } from '../../sink/queries-freshness.ts'
import { userIdOf } from '../auth.ts'
import { isoTime } from './iso-time.ts'

declare module 'fastify' {
  interface FastifyRequest {
    freshness: { readonly asOf: string | null; readonly offset: string | null }
    entityTag: string
  }
  interface FastifyContextConfig {
    /** Which tables the route reads: those of events unless it says otherwise. */
    readonly reads?: 'events' | 'outcomes'
    /** Without parameters the answer is of a day or month that ends at the midnight of its user. */
    readonly isOfToday?: boolean
    /** Throws what a schema cannot say of the parameters, before anything is read. */
    readonly check?: (request: FastifyRequest) => void
  }
}

/** Raise it when an answer changes although neither its schema nor the tables do. */
const ANSWERS_VERSION = 1

/** Time zones are whole quarters of an hour apart, so their midnights are. */
const BETWEEN_MIDNIGHTS_MS = 900_000

/** What this needs from the read side; `sink/queries.ts` provides it. */
type Source = { freshness(userId: string): Promise<Freshness> }

/** For the routes that are registered on `app` afterwards; each answers with an object. */
export function tellFreshness(app: FastifyInstance, source: Source): void {
  app.decorateRequest('entityTag', '')
  app.decorateRequest('freshness')
  app.addHook('preHandler', async (request, reply) => {
    request.routeOptions.config.check?.(request)
    // Before the rows: they may be newer than it says, never older.
    const freshness = await source.freshness(userIdOf(request))
    const position = freshness[request.routeOptions.config.reads ?? 'events']
    request.entityTag = entityTag(request, freshness.state)
    request.freshness = {
      asOf: position === undefined ? null : isoTime(position.asOf),
      offset: position?.offset.toString() ?? null,
    }
    if (position !== undefined) {
      // A clock of the database that is ahead of ours makes nothing younger than new.
      const age = Math.max(0, Date.now() - position.asOf)
      reply.headers({
        'saldo-as-of': isoTime(position.asOf),
        'saldo-offset': position.offset.toString(),
        'saldo-age-ms': age.toString(),
      })
    }
    if (!isKnown(request)) return undefined
    return notModified(request, reply)
  })
  app.addHook('preSerialization', async (request, reply, payload) => {
    if (reply.statusCode !== 200) return payload
    reply.header('etag', request.entityTag)
    return { ...(payload as object), ...request.freshness }
  })
}

function entityTag(request: FastifyRequest, state: string): string {
  const { isOfToday = false } = request.routeOptions.config
  const time = isOfToday ? Math.floor(Date.now() / BETWEEN_MIDNIGHTS_MS) : null
  const parts = [releaseOf(request), userIdOf(request), request.url, time, state]
  return `"${hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 27)}"`
}

const releases = new WeakMap<object, string>()

function releaseOf(request: FastifyRequest): string {
  const { schema } = request.routeOptions
  if (schema === undefined) return ''
  let release = releases.get(schema)
  if (release === undefined) {
    release = hash('sha256', JSON.stringify([ANSWERS_VERSION, schema]), 'base64url')
    releases.set(schema, release)
  }
  return release
}

function isKnown(request: FastifyRequest): boolean {
  const known = request.headers['if-none-match']
  if (known === undefined) return false
  return known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === request.entityTag)
}

function notModified(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(304).header('etag', request.entityTag).send()
}
