import type { FastifyInstance } from 'fastify'
import { Histogram, Registry } from 'prom-client'

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export type HttpMetrics = {
  /** Times every request of `app` from now on. */
  observe(app: FastifyInstance): void
  text(): Promise<string>
}

/** Labelled by the pattern of a route, never by the address: an address holds ids. */
export function httpMetrics(): HttpMetrics {
  const registry = new Registry()
  const seconds = new Histogram({
    name: 'saldo_http_request_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  })
  return {
    observe(app) {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'unmatched'
        const labels = { method: request.method, route, status: reply.statusCode }
        seconds.observe(labels, reply.elapsedTime / 1_000)
      })
    },
    text: () => registry.metrics(),
  }
}

/** `GET /metrics` in the text format of Prometheus. */
export function metricsRoute(app: FastifyInstance, metrics: () => Promise<string>): void {
  app.get('/metrics', async (_request, reply) => {
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics())
  })
}
