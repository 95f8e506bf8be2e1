/** What `verify` found, without a text of a user: names of columns, and values only of numbers. */
import { isDeepStrictEqual } from 'node:util'
import { isoDateOf } from '../schemas/dates.ts'
import type { Row, Table } from '../sink/tables.ts'

export type Problem =
  /** The log says it should be there. */
  | 'missing'
  /** It is there and the log knows nothing of it. */
  | 'extra'
  | 'differs'
  /** Bytes that do not decode or do not open; nothing after it in its ledger is judged. */
  | 'not-readable'
  /** An event that does not fit what the events before it made. */
  | 'does-not-fold'
  /** Progress that is beyond the end of the log, or went back while it was looked at. */
  | 'not-reachable'

export type Difference = {
  /** A topic, a table, `actor_checkpoints` or `progress`. */
  readonly what: string
  readonly problem: Problem
  readonly partition: number
  /** Absent where it is about a whole partition. */
  readonly userId?: string
  /** What it is found by, beside the user. */
  readonly key: { readonly [column: string]: string }
  /** What differs. */
  readonly columns: readonly string[]
  /** Of columns that hold numbers: counts, versions, amounts. For a person who asked, not for a log. */
  readonly expected: { readonly [column: string]: string }
  readonly found: { readonly [column: string]: string }
}

/** Takes a difference down; the partition is known. */
export type Note = (
  difference: Pick<Difference, 'what' | 'problem'> & Partial<Omit<Difference, 'partition'>>,
) => void

/** Compares two rows of a table with one key; nothing where they are equal. */
export function compareRows(
  table: Table,
  expected: Row,
  found: Row,
): Pick<Difference, 'columns' | 'expected' | 'found'> | undefined {
  const columns = Object.keys(table.columns).filter(
    (column) => !isDeepStrictEqual(expected[column] ?? null, found[column] ?? null),
  )
  if (columns.length === 0) return undefined
  const shown = columns.filter((column) => isNumber(table, column))
  return { columns, expected: textsOf(expected, shown), found: textsOf(found, shown) }
}

/** The key columns of a row beside the user. */
export function keyOfRow(table: Table, row: Row): { readonly [column: string]: string } {
  return Object.fromEntries(
    table.key
      .filter((column) => column !== 'user_id')
      .map((column) => {
        const value = row[column]
        const isDate = table.columns[column] === 'date' && typeof value === 'number'
        return [column, isDate ? isoDateOf(value) : String(value)]
      }),
  )
}

function isNumber(table: Table, column: string): boolean {
  const type = table.columns[column]
  return type === 'money' || type === 'count' || type === 'int'
}

function textsOf(row: Row, columns: readonly string[]): { readonly [column: string]: string } {
  return Object.fromEntries(columns.map((column) => [column, String(row[column] ?? null)]))
}
