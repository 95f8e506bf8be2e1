import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { openQueries } from '../../sink/queries.ts'
import { authenticate, useTokens, type TokenOptions } from '../auth.ts'
import { allowOrigins } from '../cors.ts'
import { healthRoutes } from '../health.ts'
import { httpServer, refuseWrites } from '../http-server.ts'
import { listen } from '../listen.ts'
import { httpMetrics, metricsRoute } from '../metrics.ts'
import { rateLimits, type RateLimits } from '../rate-limits.ts'
import type { KeySource } from '../token-keys.ts'
import { auditReads, openAudit } from './audit.ts'
import { documentation } from './documentation.ts'
import { tellFreshness } from './fresh-answers.ts'
import { describeRoutes } from './openapi.ts'
import { databaseReadiness } from './readiness.ts'
import { accountBalanceRoute } from './routes/account-balance.ts'
import { accountRoute } from './routes/account.ts'
import { accountsRoute } from './routes/accounts.ts'
import { aggregateEventsRoute } from './routes/aggregate-events.ts'
import { analyticsSpendingRoute } from './routes/analytics-spending.ts'
import { analyticsTotalRoute } from './routes/analytics-total.ts'
import { budgetsRoute } from './routes/budgets.ts'
import { categoriesRoute } from './routes/categories.ts'
import { commandRoute } from './routes/command.ts'
import { spendingRoute } from './routes/spending.ts'
import { streamRoute } from './routes/stream.ts'
import { transactionRoute } from './routes/transaction.ts'
import { transactionsRoute } from './routes/transactions.ts'
import type { StreamLimits } from './stream-hub.ts'

const CONNECTIONS_MAX = 10

/** Who may ask, from where and how often. */
export type ApiAccess = {
  /** Where the keys of tokens come from; without it `jwtSecret` is one. */
  readonly keys?: KeySource
  readonly audience?: string
  readonly issuer?: string
  /** None without it. */
  readonly limits?: RateLimits
  /** Open streams, of a user and in all. */
  readonly streams?: StreamLimits
  /** Origins whose pages may read answers. */
  readonly corsOrigins?: readonly string[]
  readonly trustedProxies?: readonly string[]
}

export type ApiOptions = ApiAccess & {
  readonly databaseUrl: string
  readonly jwtSecret?: string
  readonly host?: string
  readonly port?: number
  /** How many ports from `port` on may be tried when it is taken. */
  readonly portsToTry?: number
  readonly log?: FastifyBaseLogger
  /** For tests, which cannot wait as long. */
  readonly streamPace?: { readonly heartbeatMs?: number; readonly pollMs?: number }
}

export type RunningApi = { readonly url: string; close(): Promise<void> }

const STREAM_LIMITS: StreamLimits = { perUser: 10, total: 1_000 }
const NO_LIMITS: RateLimits = { perSubject: 0, perAddress: 0 }

const routes = [
  accountsRoute,
  accountRoute,
  accountBalanceRoute,
  transactionsRoute,
  transactionRoute,
  categoriesRoute,
  budgetsRoute,
  spendingRoute,
  analyticsSpendingRoute,
  analyticsTotalRoute,
  aggregateEventsRoute,
  commandRoute,
]

/** Starts without the database too: it answers 503 until there is one. */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { host = '127.0.0.1', port = 8080, portsToTry = 20 } = options
  const app = await queryServer(options)
  try {
    const url = await listen(app, { host, port, portsToTry })
    return { url, close: () => app.close() }
  } catch (error) {
    await app.close()
    throw error
  }
}

/** The server with its routes, which does not listen yet. */
export async function queryServer(options: ApiOptions): Promise<FastifyInstance> {
  const { trustedProxies, log, corsOrigins = [], limits = NO_LIMITS } = options
  const app = httpServer({
    ...(log === undefined ? {} : { log }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
  })
  const metrics = httpMetrics()
  metrics.observe(app)
  await allowOrigins(app, corsOrigins)
  refuseWrites(app)
  await useTokens(app, tokenOptions(options))
  const { bySubject, byAddress } = await rateLimits(app, limits)
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) await byAddress(request, reply)
  })
  await describeRoutes(app)
  documentation(app, byAddress)
  const queries = openQueries(options.databaseUrl, { max: CONNECTIONS_MAX })
  const audit = openAudit(options.databaseUrl, metrics.audit, log)
  app.addHook('onClose', async () => {
    await Promise.all([queries.close(), audit.close()])
  })
  metrics.watchConnections(() => queries.use())
  healthRoutes(app, async () => [await databaseReadiness(queries)])
  metricsRoute(app, () => metrics.text())
  app.register(
    (v1, _options, done) => {
      v1.addHook('onRequest', async (request, reply) => {
        try {
          await authenticate(request)
        } catch (error) {
          await byAddress(request, reply)
          throw error
        }
        await bySubject(request, reply)
      })
      auditReads(v1, audit)
      v1.register((tables, _tablesOptions, tablesDone) => {
        tellFreshness(tables, queries)
        for (const route of routes) route(tables, queries)
        tablesDone()
      })
      const hub = streamRoute(v1, {
        databaseUrl: options.databaseUrl,
        limits: options.streams ?? STREAM_LIMITS,
        ...options.streamPace,
      })
      metrics.watchStreams(() => hub.size)
      done()
    },
    { prefix: '/v1' },
  )
  return app
}

function tokenOptions({ keys, jwtSecret, audience, issuer }: ApiOptions): TokenOptions {
  const source = keys ?? (jwtSecret === undefined ? undefined : { secret: jwtSecret })
  if (source === undefined) throw new Error('the API needs keys to check tokens with')
  return {
    keys: source,
    ...(audience === undefined ? {} : { audience }),
    ...(issuer === undefined ? {} : { issuer }),
  }
}
