import { fastifySwaggerUi } from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import type { RateLimit } from '../rate-limits.ts'
import { openApiOf } from './openapi.ts'

/** Everything comes from this process, and the browser refuses everything else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The bar above would ask for the address of another one. */
const ONE_CONTRACT = '.swagger-ui .topbar { display: none }'

/** A page at /docs that shows the contract and tries it out; the document itself is /openapi.json. */
export function documentation(app: FastifyInstance, byAddress: RateLimit): void {
  let document: object | undefined
  const made = (): object => (document ??= openApiOf(app))
  app.register(async (scope) => {
    scope.addHook('onRequest', byAddress)
    scope.get('/openapi.json', () => made())
    await scope.register(fastifySwaggerUi, {
      routePrefix: '/docs',
      staticCSP: POLICY,
      theme: { title: 'Saldo query API', css: [{ filename: 'saldo.css', content: ONE_CONTRACT }] },
      uiConfig: { deepLinking: true, docExpansion: 'list', defaultModelsExpandDepth: 0 },
      transformSpecification: () => made(),
      transformSpecificationClone: false,
    })
  })
}
