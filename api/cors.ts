import { fastifyCors } from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import { USER_HEADER } from './auth.ts'

const PREFLIGHT_SECONDS = 600

/** Lets pages of these origins read answers; no cookie is ever used, so no credentials are allowed. Before refuseWrites. */
export async function allowOrigins(
  app: FastifyInstance,
  origins: readonly string[],
): Promise<void> {
  if (origins.length === 0) return
  await app.register(fastifyCors, {
    origin: [...origins],
    methods: ['GET', 'HEAD'],
    allowedHeaders: ['Authorization', 'If-None-Match', 'Last-Event-ID', USER_HEADER],
    exposedHeaders: [
      'ETag',
      'RateLimit-Limit',
      'RateLimit-Remaining',
      'RateLimit-Reset',
      'Retry-After',
      'Saldo-As-Of',
      'Saldo-Offset',
      'Saldo-Age-Ms',
      'Saldo-Age-Ms',
      'Saldo-As-Of',
      'Saldo-Offset',
    ],
    maxAge: PREFLIGHT_SECONDS,
  })
}
