/** One line for every answered request for a user's data, found or not: who asked, for whose, what, with what status. */
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import { isId, isUuid } from '../../schemas/ids.ts'
import { openAuditLog, type AuditLog } from '../../sink/audit-log.ts'
import { readerOf } from '../auth.ts'
import type { HttpMetrics } from '../metrics.ts'

/** What is refused before it reads anything is no line: a token or a parameter that is not valid, a limit that is reached. */
export function auditReads(app: FastifyInstance, log: AuditLog): void {
  app.decorateRequest('mayRead', false)
  app.decorateRequest('audit', function audit(this: FastifyRequest, status: number) {
    if (!this.mayRead) return
    this.mayRead = false
    const { userId, subject: actor } = readerOf(this)
    const resource = resourceOf(this)
    log.record({ userId, actor, action: 'view', resource, status, at: Date.now() })
  })
  app.addHook('preHandler', async (request) => {
    request.mayRead = true
  })
  // Also when the client has gone: it may have seen the answer.
  app.addHook('onResponse', async (request, reply) => request.audit(reply.statusCode))
}

/** Fails open: an answer does not wait for its line, and is given without it when the database takes no writes. */
export function openAudit(
  databaseUrl: string,
  metrics: HttpMetrics['audit'],
  log: FastifyBaseLogger | undefined,
): AuditLog {
  let isFailing = false
  return openAuditLog(databaseUrl, {
    written(entries) {
      isFailing = false
      metrics.written(entries)
    },
    lost: metrics.lost,
    failed(error) {
      if (!isFailing) log?.error({ err: error }, 'the audit log cannot be written')
      isFailing = true
    },
  })
}

/** The pattern of the route with the ids in it; the rest of an address may hold anything that somebody typed. */
function resourceOf(request: FastifyRequest): string {
  const pattern = request.routeOptions.url ?? ''
  const params = request.params as Readonly<Record<string, string>>
  return pattern.replaceAll(/:(\w+)/g, (part, name: string) => {
    const value = params[name] ?? ''
    return isId(value) || isUuid(value) ? value : part
  })
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Its token and its parameters are valid: data may be read for it, and no line says so yet. */
    mayRead: boolean
    /** Records it now, once: for an answer that goes on for hours. Others are recorded at their end. */
    audit(status: number): void
  }
}
