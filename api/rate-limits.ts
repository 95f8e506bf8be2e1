/** How often somebody may ask: counted by the subject of a token, and by address for who has none. */
import { fastifyRateLimit } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readerOf } from './auth.ts'
import { HttpProblem } from './problem.ts'

/** Requests a minute, in this process; 0 is no limit. */
export type RateLimits = {
  readonly perSubject: number
  /** Of an address: requests without a valid token. */
  readonly perAddress: number
}

export type RateLimit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

const WINDOW_MS = 60_000
/** Who asked longest ago is forgotten first. */
const COUNTERS_MAX = 50_000

/** Each throws a problem 429 when the one who asks is over the limit. */
export async function rateLimits(
  app: FastifyInstance,
  { perSubject, perAddress }: RateLimits,
): Promise<{ readonly bySubject: RateLimit; readonly byAddress: RateLimit }> {
  await app.register(fastifyRateLimit, { global: false, cache: COUNTERS_MAX })
  return {
    bySubject: limiter(app, perSubject, (request) => readerOf(request).subject),
    byAddress: limiter(app, perAddress),
  }
}

function limiter(
  app: FastifyInstance,
  max: number,
  keyGenerator?: (request: FastifyRequest) => string,
): RateLimit {
  if (max === 0) return () => Promise.resolve()
  // Without a key of ours it is the address, or the network of one in IPv6.
  const count = app.createRateLimit({
    max,
    timeWindow: WINDOW_MS,
    ...(keyGenerator === undefined ? {} : { keyGenerator }),
  })
  return async (request, reply) => {
    const counted = await count(request)
    if (counted.isAllowed) return
    const { remaining, ttlInSeconds, isExceeded } = counted
    const headers = {
      'ratelimit-limit': String(max),
      'ratelimit-remaining': String(remaining),
      'ratelimit-reset': String(ttlInSeconds),
    }
    reply.headers(headers)
    if (!isExceeded) return
    throw new HttpProblem({
      status: 429,
      code: 'too-many-requests',
      detail: `at most ${max} requests a minute are answered: try again in ${ttlInSeconds} s`,
      headers: { ...headers, 'retry-after': String(ttlInSeconds) },
    })
  }
}
