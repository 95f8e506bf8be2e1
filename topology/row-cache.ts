/**
 * Rows of one table that its only writer read or replaced lately, so that an account is not read back for every batch.
 *
 * Invariant: what is in it is what is stored, as long as its owner is the owner: `applied` is called after the commit,
 * and an owner whose batch failed is gone with its cache. A row that is not in it may be stored all the same.
 */
import type { TableWrite } from '../sink/table-store.ts'
import { isWholeKey, keyText, tables, type Row, type TableName } from '../sink/tables.ts'
import type { ReadRows } from './fold-batch.ts'

const ROWS_MAX = 10_000

export class RowCache {
  /** Undefined for a row that is known not to exist. */
  readonly #rows = new Map<string, Row | undefined>()
  readonly #rowsMax: number
  readonly #keeps: 'written' | 'all'

  /** It keeps rows that were written, or `all`: those that were read, and keys that have no row, too. */
  constructor(rowsMax = ROWS_MAX, keeps: 'written' | 'all' = 'written') {
    this.#rowsMax = rowsMax
    this.#keeps = keeps
  }

  /** Reads through the cache. What is asked for by some columns of the key is always read. */
  async read(table: TableName, keys: readonly Row[], read: ReadRows): Promise<readonly Row[]> {
    const [first] = keys
    if (first === undefined || !isWholeKey(tables[table], first)) return read(table, keys)
    const found: Row[] = []
    const missing = new Map<string, Row>()
    for (const key of keys) {
      const text = keyText(tables[table], key)
      const row = this.#rows.get(text)
      if (row !== undefined) found.push(row)
      else if (!this.#rows.has(text)) missing.set(text, key)
    }
    if (missing.size === 0) return found
    const rows = await read(table, [...missing.values()])
    if (this.#keeps === 'all') {
      for (const key of missing.keys()) this.#keep(key, undefined)
      for (const row of rows) this.#keep(keyText(tables[table], row), row)
    }
    return [...found, ...rows]
  }

  /**
   * Keeps what was replaced: it is what changes again. Rows that just began mostly do not. What a row that was added to
   * holds now is known to the store alone.
   */
  applied({ table, rows, fresh = [], added = [], removed = [] }: TableWrite): void {
    const keeps = this.#keeps === 'all'
    for (const row of keeps ? [...rows, ...fresh] : rows)
      this.#keep(keyText(tables[table], row), row)
    for (const row of removed) this.#rows.delete(keyText(tables[table], row))
    if (this.#rows.size > 0) for (const row of added) this.#rows.delete(keyText(tables[table], row))
    for (const key of this.#rows.keys()) {
      if (this.#rows.size <= this.#rowsMax) break
      this.#rows.delete(key)
    }
  }

  /** A Map keeps insertion order: the first is the one that was used longest ago. */
  #keep(key: string, row: Row | undefined): void {
    this.#rows.delete(key)
    this.#rows.set(key, row)
  }
}
