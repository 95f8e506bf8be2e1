import type { TopicName } from '../schemas/topics.ts'

export type GraphNode = {
  readonly kind: 'producers' | 'actors' | 'tables' | 'streams' | 'relay'
  readonly name: string
  readonly reads?: TopicName | `table:${string}`
  readonly writes: readonly TopicName[]
  readonly tables: readonly string[]
}

export type Topology = readonly GraphNode[]

export function producers(
  name: string,
  { writes }: { readonly writes: readonly TopicName[] },
): GraphNode {
  return { kind: 'producers', name, writes, tables: [] }
}

export function actors(
  name: string,
  { reads, writes }: { readonly reads: TopicName; readonly writes: readonly TopicName[] },
): GraphNode {
  return { kind: 'actors', name, reads, writes, tables: [] }
}

export function tables(
  name: string,
  { reads, writes }: { readonly reads: TopicName; readonly writes: readonly string[] },
): GraphNode {
  return { kind: 'tables', name, reads, writes: [], tables: writes }
}

export function streams(
  name: string,
  { reads, writes }: { readonly reads: TopicName; readonly writes: readonly TopicName[] },
): GraphNode {
  return { kind: 'streams', name, reads, writes, tables: [] }
}

export function relay(
  name: string,
  { reads, writes }: { readonly reads: `table:${string}`; readonly writes: readonly TopicName[] },
): GraphNode {
  return { kind: 'relay', name, reads, writes, tables: [] }
}

/** One line per node: what it reads and what it writes. */
export function describe(topology: Topology): string {
  return topology
    .map(({ kind, name, reads, writes, tables }) => {
      const targets = [...writes, ...tables.map((table) => `table:${table}`)]
      return `${kind} ${name}: ${reads === undefined ? '' : `${reads} `}-> ${targets.join(', ')}`
    })
    .join('\n')
}

/** What is wrong with a topology: a topic or table with two writers, a topic that is read and never written. */
export function problems(topology: Topology): readonly string[] {
  const found: string[] = []
  const writers = new Map<string, string>()
  for (const { name, writes, tables } of topology) {
    for (const target of [...writes, ...tables.map((table) => `table:${table}`)]) {
      const other = writers.get(target)
      if (other !== undefined) found.push(`${target} is written by ${other} and by ${name}`)
      writers.set(target, name)
    }
  }
  for (const { name, reads } of topology) {
    if (reads !== undefined && !writers.has(reads))
      found.push(`${name} reads ${reads}, which nobody writes`)
  }
  return found
}
