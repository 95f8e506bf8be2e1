/**
 * How far the tables of a user have come.
 *
 * Invariant: what is told was read after it was asked for, so rows that are read afterwards are as new or newer, and a
 * state that is the same as before means tables that are the same.
 */
import { partitionOf } from '../schemas/partition.ts'
import type { Statement } from './queries-connection.ts'
import { tables } from './tables.ts'

export type Position = {
  /** Every record of the user's partition before it is in the tables. */
  readonly offset: bigint
  /** When the table that waited longest was last written, in epoch milliseconds. */
  readonly asOf: number
}

/** Of the tables that fold events, and of the outcomes of commands, which are read apart. */
export type Freshness = {
  readonly events: Position | undefined
  readonly outcomes: Position | undefined
  /** Another text whenever a table of the user may hold something else. */
  readonly state: string
}

const OUTCOMES = 'tables:command-outcomes'

/** Nobody's data. The version of a progress row changes with every write to it, the oid of a table when a rebuilt one takes its place. */
export const freshnessStatement: Statement = {
  text: `SELECT partition,
                min(next_offset) FILTER (WHERE consumer <> $1) AS events_offset,
                min(updated_at) FILTER (WHERE consumer <> $1) AS events_at,
                min(next_offset) FILTER (WHERE consumer = $1) AS outcomes_offset,
                min(updated_at) FILTER (WHERE consumer = $1) AS outcomes_at,
                string_agg(concat_ws(' ', consumer, next_offset, epoch, xmin), ',' ORDER BY consumer) AS state,
                (SELECT count(*) FROM leases WHERE group_name = 'saldo.ledger-tables') AS partitions,
                (SELECT string_agg(to_regclass(name)::oid::text, ' ') FROM unnest($2::text[]) AS name) AS tables
           FROM progress
          WHERE consumer LIKE 'tables:%'
          GROUP BY partition`,
  values: [OUTCOMES, Object.keys(tables)],
}

export type FreshnessRow = {
  readonly partition: number
  readonly events_offset: bigint | null
  readonly events_at: Date | null
  readonly outcomes_offset: bigint | null
  readonly outcomes_at: Date | null
  readonly state: string
  readonly partitions: bigint
  readonly tables: string
}

/** Leases name every partition from the first heartbeat on; a table that was written without an engine has none. */
export function freshnessOf(rows: readonly FreshnessRow[], userId: string): Freshness {
  const leased = Number(rows[0]?.partitions ?? 0)
  const count = Math.max(leased, ...rows.map(({ partition }) => partition + 1))
  const partition = count > 0 ? partitionOf(Buffer.from(userId), count) : 0
  const row = rows.find((candidate) => candidate.partition === partition)
  return {
    events: positionOf(row?.events_offset, row?.events_at),
    outcomes: positionOf(row?.outcomes_offset, row?.outcomes_at),
    state: `${count} ${row?.state ?? ''} ${row?.tables ?? ''}`,
  }
}

function positionOf(offset?: bigint | null, at?: Date | null): Position | undefined {
  return offset == null || at == null ? undefined : { offset, asOf: at.getTime() }
}

/** Who asks while a read is under way shares the next one: it began after everybody who shares it asked. */
export function sharedRead<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined
  const start = (): Promise<T> => {
    next = undefined
    const current = read()
    running = current
    const end = (): void => {
      if (running === current) running = undefined
    }
    current.then(end, end)
    return current
  }
  return () => {
    if (running === undefined) return start()
    next ??= running.then(start, start)
    return next
  }
}
