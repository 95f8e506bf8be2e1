import type { FastifyInstance, FastifyReply } from 'fastify'

/** One thing a role needs before it is of use; the reason is for an operator and names no secret. */
export type Readiness = {
  readonly name: string
  readonly ready: boolean
  readonly reason?: string
}

export type ReadyCheck = () => Promise<readonly Readiness[]>

/** Live: the process answers, so a restart would not help. Ready: send it work. */
export function healthRoutes(app: FastifyInstance, ready: ReadyCheck): void {
  app.get('/health/live', async () => ({ status: 'live' }))
  for (const path of ['/health', '/health/ready']) {
    app.get(path, async (_request, reply) => answer(reply, await ready()))
  }
}

async function answer(reply: FastifyReply, checks: readonly Readiness[]): Promise<FastifyReply> {
  const isReady = checks.every((check) => check.ready)
  reply.code(isReady ? 200 : 503).header('cache-control', 'no-store')
  return reply.send({ status: isReady ? 'ready' : 'not ready', checks })
}
