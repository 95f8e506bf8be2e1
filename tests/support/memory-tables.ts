/** Tables in memory, which writes are merged into as the SQL store merges them. */
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { TableWrite } from '../../sink/table-store.ts'
import {
  hasKey,
  isWholeKey,
  keyText,
  tables,
  type Row,
  type Table,
  type TableName,
} from '../../sink/tables.ts'
import { foldBatch, type ReadBinding, type ReadRows } from '../../topology/fold-batch.ts'
import { commandOutcomes } from '../../topology/processors/command-outcomes.ts'
import type { Processor, Sourced } from '../../topology/processors/processor.ts'

export type MemoryTables = {
  readonly read: ReadRows
  readonly readBinding: ReadBinding
  apply(write: TableWrite): void
  /** Every row, in the order of the keys. */
  rows(table: TableName): readonly Row[]
}

export function memoryTables(): MemoryTables {
  const stored = new Map<TableName, Map<string, Row>>()
  const tableOf = (name: TableName): Map<string, Row> => {
    const table = stored.get(name) ?? new Map<string, Row>()
    stored.set(name, table)
    return table
  }
  return {
    read(name, keys) {
      const found = keys.flatMap((key) => {
        const stored = tableOf(name)
        if (!isWholeKey(tables[name], key))
          return [...stored.values()].filter((row) => hasKey(row, key))
        const row = stored.get(keyText(tables[name], key))
        return row === undefined ? [] : [row]
      })
      return Promise.resolve(found)
    },
    readBinding(name, users) {
      const { binding = '' }: Table = tables[name]
      const bound = [...tableOf(name).values()].filter((row) => row[binding] !== null)
      return Promise.resolve(
        users.intersection(new Set(bound.map((row) => String(row['user_id'])))),
      )
    },
    apply(write) {
      const kept = tableOf(write.table)
      for (const row of write.fresh ?? []) merge(kept, row, { ...write, mode: 'append' })
      for (const row of write.rows) merge(kept, row, write)
      for (const row of write.added ?? []) merge(kept, row, { ...write, mode: 'add' })
      for (const row of write.removed ?? []) kept.delete(keyText(tables[write.table], row))
    },
    rows: (name) =>
      [...tableOf(name)].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
  }
}

function merge(kept: Map<string, Row>, row: Row, { table: name, mode }: TableWrite): void {
  const table: Table = tables[name]
  const key = keyText(table, row)
  const before = kept.get(key)
  if (before !== undefined && mode === 'append') throw new Error(`${name} has this row already`)
  if (before !== undefined && mode === 'keep' && !commandOutcomes.givesWay(before, row)) return
  const after = before !== undefined && mode === 'add' ? added(table, before, row) : row
  if (mode === 'add' && after[table.sums?.at(-1) ?? ''] === 0) kept.delete(key)
  else kept.set(key, after)
}

function added(table: Table, before: Row, row: Row): Row {
  const sums = (table.sums ?? []).map((column) => {
    const [a, b] = [before[column], row[column]]
    return [column, typeof a === 'bigint' ? a + BigInt(String(b)) : Number(a) + Number(b)] as const
  })
  const stamps = (table.stamps ?? []).map((column) => [column, row[column] ?? null] as const)
  return { ...before, ...Object.fromEntries([...sums, ...stamps]) }
}

/** The table of one processor after these events. */
export async function foldedRows(
  processor: Processor<OpenedEvent>,
  events: readonly OpenedEvent[],
): Promise<readonly Row[]> {
  const memory = memoryTables()
  const sources = events.map((item, n): Sourced<OpenedEvent> => {
    return { item, partition: 0, offset: BigInt(n), value: Buffer.alloc(0) }
  })
  const write = await foldBatch(processor, sources, memory.read)
  memory.apply(write)
  return memory.rows(write.table)
}
