/** What a registry has to hold so that other programs and Saldo read each other, and the ids that follow from it. */
import { COMPATIBILITY } from '@kafkajs/confluent-schema-registry'
import { canRead } from './avro-types.ts'
import { OWN_IDS_FROM } from './codec.ts'
import { SaldoError } from './errors.ts'
import {
  incompatible,
  LEVEL,
  openRegistry,
  type RegisteredVersion,
  type Registry,
  type SubjectState,
} from './registry.ts'
import { isSame } from './registered-schema.ts'
import type { RegistryConnection } from './registry-http.ts'
import { releasedSchemas, type ReleasedSchema } from './released-schemas.ts'
import type { SchemaIds } from './schema-ids.ts'
import { topics, type TopicName } from './topics.ts'

/** The records of a topic and every schema that was ever released for them, oldest first. */
export type Subject = {
  readonly name: string
  readonly topic: string
  readonly versions: readonly ReleasedSchema[]
}

/** Levels that promise what BACKWARD_TRANSITIVE does, or more. */
const fittingLevels = [LEVEL, COMPATIBILITY.FULL_TRANSITIVE] as const

/** Subjects as Confluent's serializers name them: the topic, then `-value`. Keys are plain text and have none. */
export function subjectsOf(prefix: string): readonly Subject[] {
  return Object.values(topics).map((topic) => subjectOf(prefix, topic))
}

function subjectOf(
  prefix: string,
  { name, schema }: { readonly name: string; readonly schema: string },
): Subject {
  return { name: `${prefix}${name}-value`, topic: name, versions: releasedSchemas(schema) }
}

export type RegistryOptions = {
  /** Before the name of every topic. */
  readonly prefix?: string
  /** Gives a subject that has another compatibility level the one that Saldo needs, instead of refusing it. */
  readonly setLevels?: boolean
  /** What ids were when records began to carry them. A registry that says otherwise lost what it had. */
  readonly known?: SchemaIds['inward']
}

/**
 * Registers what is missing and answers with the ids to write and to read with. Rejects with
 * SALDO_REGISTRY_UNAVAILABLE, and with SALDO_SCHEMA_INCOMPATIBLE for what stands there and does not fit; then nothing
 * was registered.
 */
export async function registeredIds(
  connection: RegistryConnection,
  { prefix = '', setLevels = false, known = [] }: RegistryOptions = {},
): Promise<SchemaIds> {
  const registry = openRegistry(connection)
  try {
    await registry.probe()
    const states = await Promise.all(
      subjectsOf(prefix).map(async (subject) => {
        const { level, registered } = await registry.state(subject.name)
        const problems = problemsOf(subject, { level: setLevels ? undefined : level, registered })
        if (problems.length > 0) throw incompatible(subject.name, problems.join(', and '))
        return { subject, level, registered }
      }),
    )
    await refuseChangedIds(registry, known, states)
    const found = await Promise.all(states.map((state) => completed(registry, state)))
    return {
      outward: found.flatMap(({ outward }) => outward),
      inward: [...new Map([...found.flatMap(({ inward }) => inward), ...known])],
    }
  } finally {
    registry.close()
  }
}

/** The ids that a program outside writes to a topic with and reads from it; nothing is registered. */
export async function foundIds(
  connection: RegistryConnection,
  { prefix, topic, writes }: { prefix: string; topic: TopicName; writes: number },
): Promise<SchemaIds> {
  const registry = openRegistry(connection)
  try {
    await registry.probe()
    const subject = subjectOf(prefix, topics[topic])
    const { registered } = await registry.state(subject.name)
    const ids = idsOf(subject, registered)
    if (ids.outward.some(([ownId]) => ownId === writes)) return ids
    throw incompatible(
      subject.name,
      'the schema of this release is not registered: start an engine of it, or run saldo schemas register',
    )
  } finally {
    registry.close()
  }
}

/** Before anything is registered: a registry that came back empty would give old ids to other schemas. */
async function refuseChangedIds(
  registry: Registry,
  known: SchemaIds['inward'],
  states: readonly (SubjectState & { readonly subject: Subject })[],
): Promise<void> {
  const released = new Map(
    states.flatMap(({ subject }) => subject.versions.map((version) => [version.id, version])),
  )
  const there = states.flatMap(({ registered }) => registered)
  const changed: string[] = []
  for (const [id, ownId] of known) {
    const was = released.get(ownId)
    // Of a newer release, which knows what it was.
    if (was === undefined) continue
    if (there.some((one) => one.id === id && isSame(one.schema, was.schema))) continue
    const is = await registry.meaning(id)
    if (is === 'nothing') changed.push(`id ${id} was ${was.name} and is nothing`)
    else if (!isSame(is.schema, was.schema)) {
      changed.push(`id ${id} was ${was.name} and is another schema`)
    }
  }
  if (changed.length === 0) return
  throw new SaldoError(
    'SALDO_SCHEMA_INCOMPATIBLE',
    `the schema registry does not have what records of this log carry: ${changed.slice(0, 3).join(', ')}${changed.length > 3 ? `, and ${changed.length - 3} more` : ''}; restore it from its backup (docs/operations.md), or correct SCHEMA_REGISTRY_URL`,
  )
}

async function completed(
  registry: Registry,
  { subject, level, registered }: SubjectState & { readonly subject: Subject },
): Promise<SchemaIds> {
  const kept = fittingLevels.find((one) => one === level)
  if (kept === undefined) await registry.setLevel(subject.name)
  const there = [...registered]
  for (const { schema } of missingIn(subject, registered)) {
    const id = await registry.register(subject.name, schema, kept ?? LEVEL)
    there.push({ version: there.length + 1, id, schema })
  }
  return idsOf(subject, there)
}

function idsOf({ versions }: Subject, registered: readonly RegisteredVersion[]): SchemaIds {
  const same = ({ schema }: ReleasedSchema) =>
    registered.filter((one) => isSame(one.schema, schema))
  return {
    outward: versions.flatMap((version) =>
      same(version)
        .slice(-1)
        .map(({ id }) => [version.id, id] as const),
    ),
    inward: versions.flatMap((version) => same(version).map(({ id }) => [id, version.id] as const)),
  }
}

/** Why Saldo cannot go by what stands under a subject; a level that is missing can still be set. */
export function problemsOf(subject: Subject, { level, registered }: SubjectState): string[] {
  const newest = subject.versions.at(-1)?.schema ?? 'null'
  const problems = registered.flatMap(({ version, id, schema }) => {
    if (id >= OWN_IDS_FROM)
      return [`version ${version} has id ${id}, of the range that Saldo keeps`]
    // An older one that Saldo reads, or one of a newer release, which reads what Saldo writes.
    if (schema !== undefined && (canRead(newest, schema) || canRead(schema, newest))) return []
    return [`version ${version} is another schema, which neither reads ours nor is read by it`]
  })
  if (level !== undefined && !fittingLevels.some((one) => one === level)) {
    problems.unshift(`its compatibility is ${level} and has to be ${LEVEL}`)
  }
  return problems
}

/** What is not registered yet, oldest first. One before a version that is there would break the level. */
export function missingIn(
  { versions }: Subject,
  registered: readonly RegisteredVersion[],
): readonly ReleasedSchema[] {
  const newest = versions.findLastIndex(({ schema }) =>
    registered.some((one) => isSame(one.schema, schema)),
  )
  return versions.slice(newest + 1)
}
