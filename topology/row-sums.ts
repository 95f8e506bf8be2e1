import { keyText, type Row, type Table } from '../sink/tables.ts'

/** What a batch adds to the sums of rows, one row per key; stamps are those of the last. */
export class RowSums {
  readonly #table: Table
  readonly #totals = new Map<string, { [column: string]: Row[string] }>()

  constructor(table: Table) {
    this.#table = table
  }

  add(row: Row): void {
    const key = keyText(this.#table, row)
    const total = this.#totals.get(key)
    if (total === undefined) {
      this.#totals.set(key, { ...row })
      return
    }
    for (const column of this.#table.sums ?? []) total[column] = sum(total[column], row[column])
    for (const column of this.#table.stamps ?? []) total[column] = row[column] ?? null
  }

  rows(): readonly Row[] {
    return [...this.#totals.values()]
  }
}

function sum(a: Row[string] | undefined, b: Row[string] | undefined): number | bigint {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a + b
  if (typeof a === 'number' && typeof b === 'number') return a + b
  throw new Error('a sum is of counts or of money')
}
