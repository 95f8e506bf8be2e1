/**
 * Rows of one table that its only writer read or replaced lately, so that an account is not read back for every batch.
 *
 * Invariant: what is in it is what is stored, as long as its owner is the owner: `applied` is called after the commit,
 * and an owner whose batch failed is gone with its cache. A row that is not in it may be stored all the same.
 */
import type { TableWrite } from '../sink/table-store.ts'
import { keyText, tables, type Row, type TableName } from '../sink/tables.ts'
import type { ReadRows } from './fold-batch.ts'

const ROWS_MAX = 10_000

export class RowCache {
  readonly #rows = new Map<string, Row>()
  readonly #rowsMax: number

  constructor(rowsMax = ROWS_MAX) {
    this.#rowsMax = rowsMax
  }

  /** Reads through the cache. */
  async read(table: TableName, keys: readonly Row[], read: ReadRows): Promise<readonly Row[]> {
    const found: Row[] = []
    const missing: Row[] = []
    for (const key of keys) {
      const row = this.#rows.get(keyText(tables[table], key))
      if (row === undefined) missing.push(key)
      else found.push(row)
    }
    if (missing.length === 0) return found
    return [...found, ...(await read(table, missing))]
  }

  /** Keeps what was replaced: it is what changes again. Rows that just began mostly do not. */
  applied({ table, rows, removed = [] }: TableWrite): void {
    for (const row of rows) {
      const key = keyText(tables[table], row)
      // A Map keeps insertion order: the first is the one that was written longest ago.
      this.#rows.delete(key)
      this.#rows.set(key, row)
    }
    for (const row of removed) this.#rows.delete(keyText(tables[table], row))
    for (const key of this.#rows.keys()) {
      if (this.#rows.size <= this.#rowsMax) break
      this.#rows.delete(key)
    }
  }
}
