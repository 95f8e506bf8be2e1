/** What a batch of items does to the table of one processor. The same fold serves the live reader, rebuild and verify. */
import type { TableWrite } from '../sink/table-store.ts'
import { keyText, tables, type Row, type Table, type TableName } from '../sink/tables.ts'
import { stepRelated, type Told } from './fold-related.ts'
import type {
  DeltaProcessor,
  FirstProcessor,
  Processor,
  AnyRowProcessor,
  Sourced,
} from './processors/processor.ts'
import { RowSums } from './row-sums.ts'

/** Rows by whole keys, or by some columns of the key, the same in all `keys`: every row that has them. */
export type ReadRows = (table: TableName, keys: readonly Row[]) => Promise<readonly Row[]>

/** Those of the users who have a row that binds others of theirs. It may name some who have none. */
export type ReadBinding = (
  table: TableName,
  users: ReadonlySet<string>,
) => Promise<ReadonlySet<string>>

/** Correct for every table: rows are read, and none is only added to. */
const everybody: ReadBinding = (_table, users) => Promise.resolve(users)

/** The write, and what is worth telling; only the live reader tells it. */
export type Folded = TableWrite & { readonly told?: readonly Told[] }

export async function foldBatch<Item>(
  processor: Processor<Item>,
  sources: readonly Sourced<Item>[],
  read: ReadRows,
  readBinding: ReadBinding = everybody,
): Promise<Folded> {
  const table = tableOf(processor)
  switch (processor.kind) {
    case 'archive':
      return {
        table,
        mode: 'append',
        rows: sources.map((source) => processor.row(source)).filter((row) => row !== undefined),
      }
    case 'deltas':
      return { table, mode: 'add', rows: addUp(processor, sources) }
    case 'rows':
      return stepRows(processor, sources, read)
    case 'related':
      return stepRelated(processor, table, sources, { read, readBinding })
    case 'first':
      return { table, mode: 'keep', rows: keepFirst(processor, sources) }
  }
}

export function tableOf(processor: { readonly table: string }): TableName {
  if (!(processor.table in tables)) throw new Error(`no table ${processor.table}`)
  return processor.table as TableName
}

function addUp<Item>(
  processor: DeltaProcessor<Item>,
  sources: readonly Sourced<Item>[],
): readonly Row[] {
  const totals = new RowSums(tables[tableOf(processor)])
  for (const { item } of sources) {
    for (const delta of processor.deltas(item)) totals.add(delta)
  }
  return totals.rows()
}

async function stepRows<Item>(
  processor: AnyRowProcessor<Item>,
  sources: readonly Sourced<Item>[],
  read: ReadRows,
): Promise<TableWrite> {
  const name = tableOf(processor)
  const table: Table = tables[name]
  const items: { readonly key: string; readonly item: Item }[] = []
  const unread = new Map<string, Row>()
  const begun = new Set<string>()
  for (const { item } of sources) {
    const key = processor.keyOf(item)
    if (key === undefined) continue
    const text = keyText(table, key)
    if (processor.begins(item)) begun.add(text)
    else if (!begun.has(text)) unread.set(text, key)
    items.push({ key: text, item })
  }
  const keys = new Map<string, Row>()
  const folded = new Map<string, Row | undefined>()
  for (const row of await read(name, [...unread.values()])) folded.set(keyText(table, row), row)
  for (const { key, item } of items) {
    const before = folded.get(key)
    folded.set(key, processor.step(before as never, item))
    keys.set(key, processor.keyOf(item) as Row)
  }
  const [rows, fresh, removed]: [Row[], Row[], Row[]] = [[], [], []]
  for (const [key, keyRow] of keys) {
    const row = folded.get(key)
    const isNew = begun.has(key)
    if (row !== undefined) (isNew ? fresh : rows).push(row)
    else if (!isNew) removed.push(keyRow)
  }
  return { table: name, mode: 'upsert', rows, fresh, removed }
}

function keepFirst<Item>(
  processor: FirstProcessor<Item>,
  sources: readonly Sourced<Item>[],
): readonly Row[] {
  const table: Table = tables[tableOf(processor)]
  const kept = new Map<string, Row>()
  for (const { item } of sources) {
    const row = processor.row(item)
    const key = keyText(table, row)
    const before = kept.get(key)
    if (before === undefined || processor.givesWay(before, row)) kept.set(key, row)
  }
  return [...kept.values()]
}
