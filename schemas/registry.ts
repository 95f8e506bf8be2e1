/**
 * The schemas of the topics in a registry that speaks Confluent's API. It is asked when a process starts: what
 * comes back is plain data, and records are written and read without it.
 */
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import type { AvroSchema } from './avsc-files.ts'
import { SaldoError } from './errors.ts'
import { avroIn, schemaWithId, type IdMeaning } from './registered-schema.ts'
import {
  asRegistryError,
  fieldOf,
  noRegistry,
  refuseStatus,
  registryHttp,
  unavailable,
  type RegistryConnection,
  type RegistryHttp,
} from './registry-http.ts'

/** A version that the registry has under a subject. */
export type RegisteredVersion = {
  readonly version: number
  readonly id: number
  /** Undefined where the text is no schema in Avro. */
  readonly schema: AvroSchema | undefined
}

export type SubjectState = {
  /** Undefined where the subject has no level of its own. */
  readonly level: string | undefined
  readonly registered: readonly RegisteredVersion[]
}

/** A registry during one visit. */
export type Registry = {
  /** Rejects where what answers is no registry. */
  probe(): Promise<void>
  state(subject: string): Promise<SubjectState>
  meaning(id: number): Promise<IdMeaning>
  setLevel(subject: string): Promise<void>
  /** Whether the registry would take a schema, by the level that the subject has. */
  accepts(subject: string, schema: AvroSchema): Promise<boolean>
  /** The id that the registry gives to a schema; `level` is the one that the subject has. Rejects with SALDO_SCHEMA_INCOMPATIBLE when it takes none. */
  register(subject: string, schema: AvroSchema, level: COMPATIBILITY): Promise<number>
  close(): void
}

/** The level that Saldo counts on: every later version reads what all earlier ones wrote. */
export const LEVEL = COMPATIBILITY.BACKWARD_TRANSITIVE

export function openRegistry(connection: RegistryConnection): Registry {
  const http = registryHttp(connection)
  const client = new SchemaRegistry({
    host: connection.url.replace(/\/+$/, ''),
    agent: http.agent,
    retry: { retries: 0 },
    ...(connection.login === undefined ? {} : { auth: connection.login }),
  })
  return {
    async probe() {
      const { body } = await http.send('GET', '/subjects')
      if (!Array.isArray(body)) throw noRegistry()
    },
    async state(name) {
      const level = await levelOf(http, name)
      return { level, registered: await versionsOf(http, name) }
    },
    meaning: (id) => schemaWithId(http, id),
    async setLevel(name) {
      const path = `/config/${encodeURIComponent(name)}`
      const { status } = await http.send('PUT', path, { compatibility: LEVEL })
      if (status !== 200) throw unavailable(`it sets no level for ${name} (${status})`, false)
    },
    async accepts(subject, schema) {
      const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions`
      const { status, body } = await http.send('POST', path, { schema: JSON.stringify(schema) })
      // Nothing stands there yet.
      return status === 404 || fieldOf(body, 'is_compatible') === true
    },
    async register(subject, schema, compatibility) {
      const text = { type: SchemaType.AVRO, schema: JSON.stringify(schema) } as const
      try {
        const { id } = await client.register(text, { subject, compatibility })
        return id
      } catch (error) {
        throw refusalOf(error, subject)
      }
    },
    close: http.close,
  }
}

async function levelOf(http: RegistryHttp, name: string): Promise<string | undefined> {
  const { status, body } = await http.send('GET', `/config/${encodeURIComponent(name)}`)
  if (status === 404) return undefined
  const level = fieldOf(body, 'compatibilityLevel')
  if (typeof level !== 'string') throw noRegistry()
  return level.toUpperCase()
}

async function versionsOf(http: RegistryHttp, name: string): Promise<RegisteredVersion[]> {
  const path = `/subjects/${encodeURIComponent(name)}/versions`
  const { status, body } = await http.send('GET', path)
  if (status === 404) return []
  if (!Array.isArray(body)) throw noRegistry()
  const registered: RegisteredVersion[] = []
  for (const version of body as unknown[]) {
    const { body: found } = await http.send('GET', `${path}/${String(version)}`)
    const [id, text] = [fieldOf(found, 'id'), fieldOf(found, 'schema')]
    if (typeof id !== 'number' || typeof text !== 'string') throw noRegistry()
    registered.push({ version: Number(version), id, schema: avroIn(text) })
  }
  return registered
}

/** What the client rejects with: its errors carry a status where there was an answer. */
function refusalOf(error: unknown, subject: string): SaldoError {
  const status = fieldOf(error, 'status')
  if (typeof status === 'number') {
    try {
      refuseStatus(status)
    } catch (known) {
      return asRegistryError(known)
    }
  }
  if (status === 409 || status === 422) {
    return incompatible(
      subject,
      'what is registered there cannot be followed by the schema of Saldo',
      error,
    )
  }
  return asRegistryError(error)
}

export function incompatible(subject: string, problem: string, cause?: unknown): SaldoError {
  return new SaldoError(
    'SALDO_SCHEMA_INCOMPATIBLE',
    `the schema registry does not fit, subject ${subject}: ${problem}; saldo schemas check names every difference`,
    { retryable: false, cause },
  )
}
