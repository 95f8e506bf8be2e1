import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export type HttpMetrics = {
  /** Times every request of `app` from now on. */
  observe(app: FastifyInstance): void
  /** Shows the connections as they are at each scrape. */
  watchConnections(use: () => ConnectionUse): void
  /** Shows how many streams are open at each scrape. */
  watchStreams(open: () => number): void
  readonly audit: { written(entries: number): void; lost(entries: number): void }
  text(): Promise<string>
}

type ConnectionUse = { readonly busy: number; readonly idle: number; readonly waiting: number }

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
  let use: (() => ConnectionUse) | undefined
  new Gauge({
    name: 'saldo_api_connections',
    help: 'Connections of the API to the database by state, and queries that wait for one.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      if (use === undefined) return
      for (const [state, count] of Object.entries(use())) this.set({ state }, count)
    },
  })
  let openStreams: (() => number) | undefined
  new Gauge({
    name: 'saldo_api_streams',
    help: 'Open streams of /v1/stream.',
    registers: [registry],
    collect() {
      this.set(openStreams?.() ?? 0)
    },
  })
  const audited = new Counter({
    name: 'saldo_audit_entries_total',
    help: 'Lines of the audit log, by what became of them.',
    labelNames: ['result'],
    registers: [registry],
  })
  // A counter that was never seen cannot be alarmed on.
  for (const result of ['written', 'lost']) audited.inc({ result }, 0)
  return {
    watchConnections: (current) => {
      use = current
    },
    watchStreams: (open) => {
      openStreams = open
    },
    audit: {
      written: (entries) => audited.inc({ result: 'written' }, entries),
      lost: (entries) => audited.inc({ result: 'lost' }, entries),
    },
    observe(app) {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'unmatched'
        if (request.routeOptions.config.isStream === true && reply.statusCode === 200) return
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
