/** A batch of items that concern several rows each. */
import {
  hasKey,
  isWholeKey,
  keyText,
  tables,
  type Row,
  type Table,
  type TableName,
} from '../sink/tables.ts'
import type { Folded, ReadRows } from './fold-batch.ts'
import type { AnyRelatedProcessor, Notice, Sourced } from './processors/processor.ts'

/** A notice with the place of its cause: `index` counts what one item tells. */
export type Told = { readonly notice: Notice; readonly offset: bigint; readonly index: number }

export async function stepRelated<Item>(
  processor: AnyRelatedProcessor<Item>,
  name: TableName,
  sources: readonly Sourced<Item>[],
  read: ReadRows,
): Promise<Folded> {
  const table: Table = tables[name]
  const wanted = sources.map(({ item }) => processor.keysOf(item))
  const stored = await readAll(name, wanted.flat(), read)
  const rows = new Map(stored)
  const touched = new Map<string, Row>()
  const told = new Map<string, Told>()
  for (const [n, { item, offset }] of sources.entries()) {
    const keys = wanted[n] ?? []
    if (keys.length === 0) continue
    const after = processor.step(concerned(table, rows, keys) as readonly never[], item)
    for (const row of after.rows) {
      rows.set(keyText(table, row), row)
      touched.set(keyText(table, row), row)
    }
    for (const key of after.removed) {
      rows.delete(keyText(table, key))
      touched.set(keyText(table, key), key)
    }
    for (const [index, notice] of after.notices.entries()) {
      // What is told last stands last: a relay keeps the order of causes.
      told.delete(notice.about)
      told.set(notice.about, { notice, offset, index })
    }
  }
  const [changed, fresh, removed]: [Row[], Row[], Row[]] = [[], [], []]
  for (const [key, touchedRow] of touched) {
    const row = rows.get(key)
    if (row !== undefined) (stored.has(key) ? changed : fresh).push(row)
    else if (stored.has(key)) removed.push(touchedRow)
  }
  return { table: name, mode: 'upsert', rows: changed, fresh, removed, told: [...told.values()] }
}

/** Rows are asked for once each, and together, by the columns that name them. */
async function readAll(
  name: TableName,
  keys: readonly Row[],
  read: ReadRows,
): Promise<ReadonlyMap<string, Row>> {
  const table: Table = tables[name]
  const asked = new Map<string, Map<string, Row>>()
  for (const key of keys) {
    const columns = table.key.filter((column) => column in key).join()
    const alike = asked.get(columns) ?? new Map<string, Row>()
    asked.set(columns, alike)
    alike.set(keyText(table, key), key)
  }
  const stored = new Map<string, Row>()
  for (const alike of asked.values()) {
    for (const row of await read(name, [...alike.values()])) stored.set(keyText(table, row), row)
  }
  return stored
}

function concerned(
  table: Table,
  rows: ReadonlyMap<string, Row>,
  keys: readonly Row[],
): readonly Row[] {
  const found = new Map<string, Row>()
  for (const key of keys) {
    if (isWholeKey(table, key)) {
      const row = rows.get(keyText(table, key))
      if (row !== undefined) found.set(keyText(table, key), row)
      continue
    }
    for (const [text, row] of rows) if (hasKey(row, key)) found.set(text, row)
  }
  return [...found.values()]
}
