import { text } from 'node:stream/consumers'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Certified } from './certificates.ts'

export type MemoryRegistry = {
  readonly url: string
  /** Schemas by id, as they were registered. */
  readonly schemas: readonly string[]
  /** Comes back without what it had, or with what a backup holds. */
  lose(): Backup
  restore(backup: Backup): void
  close(): Promise<void>
}

type Backup = {
  readonly schemas: readonly string[]
  readonly subjects: ReadonlyMap<string, readonly number[]>
}

/** As much of Confluent's API as a start needs, with ids from 1 on; what is registered is believed. TLS with a certificate. */
export async function memoryRegistry(certified?: Certified): Promise<MemoryRegistry> {
  let schemas: string[] = []
  let subjects = new Map<string, readonly number[]>()
  const levels = new Map<string, string>()

  const answers: readonly [RegExp, (name: string, body: string, more: string) => unknown][] = [
    [/^GET \/subjects$/, () => [...subjects.keys()]],
    [/^GET \/subjects\/([^/]+)\/versions$/, (name) => subjects.get(name)?.map((_, at) => at + 1)],
    [
      /^GET \/subjects\/([^/]+)\/versions\/(\d+)$/,
      (name, _, version) => {
        const id = subjects.get(name)?.[Number(version) - 1] ?? 0
        return { id, schema: schemas[id - 1] }
      },
    ],
    [
      /^POST \/subjects\/([^/]+)\/versions$/,
      (name, body) => {
        const { schema } = JSON.parse(body) as { readonly schema: string }
        const id = schemas.push(schema)
        subjects.set(name, [...(subjects.get(name) ?? []), id])
        return { id }
      },
    ],
    [
      /^GET \/config\/([^/]+)$/,
      (name) => (levels.has(name) ? { compatibilityLevel: levels.get(name) } : undefined),
    ],
    [
      /^PUT \/config\/([^/]+)$/,
      (name, body) => {
        levels.set(name, (JSON.parse(body) as { readonly compatibility: string }).compatibility)
        return {}
      },
    ],
    [
      /^GET \/schemas\/ids\/(\d+)$/,
      (id) =>
        schemas[Number(id) - 1] === undefined ? undefined : { schema: schemas[Number(id) - 1] },
    ],
  ]
  const answerTo = async (request: IncomingMessage): Promise<unknown> => {
    const body = await text(request)
    for (const [pattern, answer] of answers) {
      const found = pattern.exec(`${request.method} ${request.url}`)
      if (found !== null) return answer(found[1] ?? '', body, found[2] ?? '')
    }
    return undefined
  }
  const listener: RequestListener = (request, response) => {
    void answerTo(request).then((answer) => {
      response.setHeader('content-type', 'application/json')
      response.statusCode = answer === undefined ? 404 : 200
      response.end(JSON.stringify(answer ?? { error_code: 40_403, message: 'not found' }))
    })
  }
  const server =
    certified === undefined
      ? createServer(listener)
      : createSecureServer({ cert: certified.certificate, key: certified.key }, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http${certified === undefined ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get schemas() {
      return schemas
    },
    lose() {
      const backup = { schemas, subjects }
      schemas = []
      subjects = new Map()
      return backup
    },
    restore(backup) {
      schemas = [...backup.schemas]
      subjects = new Map(backup.subjects)
    },
    async close() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}
