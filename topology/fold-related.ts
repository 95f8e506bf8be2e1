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
import type { Folded, ReadBinding, ReadRows } from './fold-batch.ts'
import type { AnyRelatedProcessor, Notice, Sourced } from './processors/processor.ts'
import { RowSums } from './row-sums.ts'

/** A notice with the place of its cause: `index` counts what one item tells. */
export type Told = { readonly notice: Notice; readonly offset: bigint; readonly index: number }

export async function stepRelated<Item>(
  processor: AnyRelatedProcessor<Item>,
  name: TableName,
  sources: readonly Sourced<Item>[],
  { read, readBinding }: { readonly read: ReadRows; readonly readBinding: ReadBinding },
): Promise<Folded> {
  const table: Table = tables[name]
  const { added, stepped } = await apart(processor, name, sources, readBinding)
  const wanted = stepped.map(({ item }) => processor.keysOf(item))
  const stored = await readAll(name, wanted.flat(), read)
  const rows = new RowsByUser(table, stored)
  const touched = new Map<string, Row>()
  const told = new Map<string, Told>()
  for (const [n, { item, offset }] of stepped.entries()) {
    const keys = wanted[n] ?? []
    if (keys.length === 0) continue
    const after = processor.step(rows.concerned(keys) as readonly never[], item)
    for (const row of after.rows) {
      rows.set(row)
      touched.set(keyText(table, row), row)
    }
    for (const key of after.removed) {
      rows.delete(key)
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
    const row = rows.get(touchedRow)
    if (row !== undefined) (stored.has(key) ? changed : fresh).push(row)
    else if (stored.has(key)) removed.push(touchedRow)
  }
  const written = { rows: changed, fresh, removed, added, told: [...told.values()] }
  return { table: name, mode: 'upsert', ...written }
}

/** A user without a row that binds, before the batch and in it, needs none read: his items add to sums. */
async function apart<Item>(
  processor: AnyRelatedProcessor<Item>,
  name: TableName,
  sources: readonly Sourced<Item>[],
  readBinding: ReadBinding,
): Promise<{ readonly added: readonly Row[]; readonly stepped: readonly Sourced<Item>[] }> {
  const added = sources.map(({ item }) => processor.adds(item))
  const users = new Set<string>()
  const binding = new Set<string>()
  for (const [n, { item }] of sources.entries()) {
    const rows = added[n]
    if (rows === undefined) for (const key of processor.keysOf(item)) binding.add(userOf(key))
    else for (const row of rows) users.add(userOf(row))
  }
  const bound = (await readBinding(name, users.difference(binding))).union(binding)
  const sums = new RowSums(tables[name])
  const stepped = sources.filter((_, n) => {
    const rows = added[n]
    if (rows === undefined || rows.some((row) => bound.has(userOf(row)))) return true
    for (const row of rows) sums.add(row)
    return false
  })
  return { added: sums.rows(), stepped }
}

function userOf(row: Row): string {
  return String(row['user_id'])
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

/** A key with some of its columns names rows of one user, so only those are looked through. */
class RowsByUser {
  readonly #table: Table
  readonly #users = new Map<Row[string] | undefined, Map<string, Row>>()

  constructor(table: Table, stored: ReadonlyMap<string, Row>) {
    this.#table = table
    for (const row of stored.values()) this.set(row)
  }

  get(key: Row): Row | undefined {
    return this.#users.get(key['user_id'])?.get(keyText(this.#table, key))
  }

  set(row: Row): void {
    const own = this.#users.get(row['user_id']) ?? new Map<string, Row>()
    this.#users.set(row['user_id'], own.set(keyText(this.#table, row), row))
  }

  delete(key: Row): void {
    this.#users.get(key['user_id'])?.delete(keyText(this.#table, key))
  }

  /** The rows that any of the keys names, each once. */
  concerned(keys: readonly Row[]): readonly Row[] {
    const found = new Set<Row>()
    for (const key of keys) {
      if (isWholeKey(this.#table, key)) {
        const row = this.get(key)
        if (row !== undefined) found.add(row)
        continue
      }
      for (const row of this.#users.get(key['user_id'])?.values() ?? []) {
        if (hasKey(row, key)) found.add(row)
      }
    }
    return [...found]
  }
}
