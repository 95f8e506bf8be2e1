/** Whether the schemas of this release can follow what was released before and what a registry has. Changes nothing. */
import { canRead } from './avro-types.ts'
import { fullNameOf, readSchemas } from './avsc-files.ts'
import { inlined } from './inline.ts'
import { missingIn, problemsOf, subjectsOf, type Subject } from './registered-ids.ts'
import type { RegistryConnection } from './registry-http.ts'
import { openRegistry, type Registry } from './registry.ts'

export type SubjectReport = {
  readonly subject: string
  /** Why other programs and Saldo would not read each other; none where all is well. */
  readonly problems: readonly string[]
  /** Our ids of versions that the registry lacks; it takes them, unless a problem says otherwise. */
  readonly unregistered: readonly number[]
}

export async function checkSchemas(
  registry: RegistryConnection | undefined,
  prefix: string,
): Promise<readonly SubjectReport[]> {
  const subjects = subjectsOf(prefix)
  const files = subjects.map((subject) => ({
    subject: subject.name,
    problems: fileProblems(subject),
    unregistered: [],
  }))
  if (registry === undefined) return files
  const open = openRegistry(registry)
  try {
    await open.probe()
    return await Promise.all(
      subjects.map(async (subject, index) => {
        const { problems, ...report } = await registryReport(open, subject)
        return { ...report, problems: [...(files[index]?.problems ?? []), ...problems] }
      }),
    )
  } finally {
    open.close()
  }
}

/** The checked-in schema is the newest released one, and that reads every one before it. */
export function fileProblems({ versions }: Pick<Subject, 'versions'>): string[] {
  const newest = versions.at(-1)
  if (newest === undefined) return ['no version of it is released']
  const all = readSchemas()
  const checkedIn = all.find((schema) => fullNameOf(schema) === newest.name)
  const isCurrent =
    checkedIn !== undefined &&
    JSON.stringify(inlined(checkedIn, all)) === JSON.stringify(newest.schema)
  return [
    ...(isCurrent ? [] : [`the checked-in ${newest.name} is not released: run npm run generate`]),
    ...versions
      .filter(({ schema }) => !canRead(newest.schema, schema))
      .map(({ id }) => `the newest ${newest.name} does not read the released one with id ${id}`),
  ]
}

async function registryReport(registry: Registry, subject: Subject): Promise<SubjectReport> {
  const state = await registry.state(subject.name)
  const problems = problemsOf(subject, state)
  const missing = missingIn(subject, state.registered)
  const newest = missing.at(-1)
  if (newest !== undefined && !(await registry.accepts(subject.name, newest.schema))) {
    problems.push(`the registry would not take the schema with id ${newest.id}`)
  }
  return { subject: subject.name, problems, unregistered: missing.map(({ id }) => id) }
}
