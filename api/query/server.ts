import type { FastifyBaseLogger } from 'fastify'
import { SaldoError } from '../../schemas/errors.ts'
import { openQueries, type Queries } from '../../sink/queries.ts'
import { authenticate, useTokens } from '../auth.ts'
import { healthRoutes, type Readiness } from '../health.ts'
import { httpServer, refuseWrites } from '../http-server.ts'
import { listen } from '../listen.ts'
import { httpMetrics, metricsRoute } from '../metrics.ts'
import { accountRoute } from './routes/account.ts'
import { accountsRoute } from './routes/accounts.ts'
import { commandRoute } from './routes/command.ts'
import { spendingRoute } from './routes/spending.ts'
import { transactionsRoute } from './routes/transactions.ts'

const CONNECTIONS_MAX = 10

export type ApiOptions = {
  readonly databaseUrl: string
  readonly jwtSecret: string
  readonly host?: string
  readonly port?: number
  /** How many ports from `port` on may be tried when it is taken. */
  readonly portsToTry?: number
  readonly log?: FastifyBaseLogger
}

export type RunningApi = { readonly url: string; close(): Promise<void> }

const routes = [accountsRoute, accountRoute, transactionsRoute, spendingRoute, commandRoute]

/** Starts without the database too: it answers 503 until there is one. */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { databaseUrl, jwtSecret, host = '127.0.0.1', port = 8080, portsToTry = 20, log } = options
  const queries = openQueries(databaseUrl, { max: CONNECTIONS_MAX })
  const metrics = httpMetrics()
  const app = httpServer(log === undefined ? {} : { log })
  app.addHook('onClose', () => queries.close())
  metrics.observe(app)
  refuseWrites(app)
  useTokens(app, { secret: jwtSecret })
  healthRoutes(app, async () => [await databaseReadiness(queries)])
  metricsRoute(app, () => metrics.text())
  app.register(
    (v1, _options, done) => {
      v1.addHook('onRequest', authenticate)
      for (const route of routes) route(v1, queries)
      done()
    },
    { prefix: '/v1' },
  )
  try {
    const url = await listen(app, { host, port, portsToTry })
    return { url, close: () => app.close() }
  } catch (error) {
    await app.close()
    throw error
  }
}

async function databaseReadiness(queries: Queries): Promise<Readiness> {
  try {
    await queries.freshness()
    return { name: 'database', ready: true }
  } catch (error) {
    const isAway = error instanceof SaldoError
    const reason = isAway
      ? 'the database cannot be reached'
      : 'the tables cannot be read: is the database migrated?'
    return { name: 'database', ready: false, reason }
  }
}
