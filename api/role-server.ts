import { healthRoutes, type ReadyCheck } from './health.ts'
import { httpServer, refuseWrites } from './http-server.ts'
import { listen } from './listen.ts'
import { metricsRoute } from './metrics.ts'

export type RoleServer = { readonly url: string; close(): Promise<void> }

/** Health and metrics of a role that answers nothing else. */
export async function startRoleServer(options: {
  readonly host: string
  readonly port: number
  readonly ready: ReadyCheck
  readonly metrics: () => Promise<string>
}): Promise<RoleServer> {
  const app = httpServer()
  refuseWrites(app)
  healthRoutes(app, options.ready)
  metricsRoute(app, options.metrics)
  const url = await listen(app, { host: options.host, port: options.port, portsToTry: 1 })
  return { url, close: () => app.close() }
}
