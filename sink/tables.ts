/** The tables that processors write, as data: what a column holds, and how rows merge. */
import { epochDayOf, isoDateOf } from '../schemas/dates.ts'
import type { CopyValue } from './copy-rows.ts'

/** Money is a bigint of minor units; a date is days, a timestamp milliseconds since 1970 UTC. */
export type Value = string | number | bigint | boolean | null | readonly string[] | Buffer

export type Row = { readonly [column: string]: Value }

type ColumnType =
  | 'text'
  | 'texts'
  | 'bytes'
  | 'boolean'
  | 'count'
  | 'money'
  | 'share'
  | 'date'
  | 'timestamp'

export type Table = {
  readonly name: string
  readonly columns: { readonly [column: string]: ColumnType }
  readonly key: readonly string[]
  /** Columns that deltas add up; the row goes when the last of them is 0. */
  readonly sums?: readonly string[]
  /** When a stored row gives way to another one with its key; in SQL, over `kept` and `excluded`. */
  readonly givesWay?: string
}

export const tables = {
  events: {
    name: 'events',
    columns: {
      user_id: 'text',
      sequence: 'count',
      event_id: 'text',
      aggregate_type: 'text',
      aggregate_id: 'text',
      version: 'count',
      event_type: 'text',
      occurred_at: 'timestamp',
      recorded_at: 'timestamp',
      command_id: 'text',
      partition: 'count',
      offset: 'count',
      event: 'bytes',
    },
    key: ['user_id', 'sequence'],
  },
  accounts: {
    name: 'accounts',
    columns: {
      user_id: 'text',
      account_id: 'text',
      kind: 'text',
      name: 'text',
      bank_name: 'text',
      currency: 'text',
      balance_minor: 'money',
      transaction_count: 'count',
      status: 'text',
      opened_at: 'timestamp',
      updated_at: 'timestamp',
      last_sequence: 'count',
    },
    key: ['user_id', 'account_id'],
  },
  transactions: {
    name: 'transactions',
    columns: {
      user_id: 'text',
      transaction_id: 'text',
      account_id: 'text',
      amount_minor: 'money',
      currency: 'text',
      booked_on: 'date',
      occurred_at: 'timestamp',
      description: 'text',
      merchant: 'text',
      counterparty: 'text',
      note: 'text',
      category_id: 'text',
      category_source: 'text',
      confidence: 'share',
      needs_review: 'boolean',
      source: 'text',
      created_at: 'timestamp',
      updated_at: 'timestamp',
      version: 'count',
    },
    key: ['user_id', 'transaction_id'],
  },
  categories: {
    name: 'categories',
    columns: {
      user_id: 'text',
      category_id: 'text',
      name: 'text',
      status: 'text',
      created_at: 'timestamp',
      updated_at: 'timestamp',
      version: 'count',
    },
    key: ['user_id', 'category_id'],
  },
  daily_aggregates: {
    name: 'daily_aggregates',
    columns: {
      user_id: 'text',
      booked_on: 'date',
      category_id: 'text',
      currency: 'text',
      total_minor: 'money',
      transaction_count: 'count',
    },
    key: ['user_id', 'booked_on', 'category_id', 'currency'],
    sums: ['total_minor', 'transaction_count'],
  },
  command_outcomes: {
    name: 'command_outcomes',
    columns: {
      user_id: 'text',
      command_id: 'text',
      verdict: 'text',
      recorded_at: 'timestamp',
      partition: 'count',
      command_offset: 'count',
      aggregate_type: 'text',
      aggregate_id: 'text',
      version: 'count',
      event_ids: 'texts',
      first_sequence: 'count',
      path: 'text',
      code: 'text',
      sentence: 'text',
    },
    key: ['user_id', 'command_id'],
    givesWay: "kept.verdict = 'duplicate' AND excluded.verdict <> 'duplicate'",
  },
} as const satisfies { readonly [name: string]: Table }

export type TableName = keyof typeof tables

export function columnsOf(table: Table): readonly string[] {
  return Object.keys(table.columns)
}

/** A column list for SQL; names are ours, `offset` is a reserved word. */
export function columnList(columns: readonly string[], prefix = ''): string {
  return columns.map((column) => `${prefix}"${column}"`).join(', ')
}

/** A row in column order as COPY takes it. */
export function copyValues(table: Table, row: Row): readonly CopyValue[] {
  return entriesOf(table).map(([column, type]) => toCopy(type, row[column] ?? null))
}

const entries = new Map<Table, readonly (readonly [string, ColumnType])[]>()

function entriesOf(table: Table): readonly (readonly [string, ColumnType])[] {
  let found = entries.get(table)
  if (found === undefined) {
    found = Object.entries(table.columns)
    entries.set(table, found)
  }
  return found
}

function toCopy(type: ColumnType, value: Value): CopyValue {
  if (value === null) return null
  if (type === 'date') return isoDateOf(value as number)
  if (type === 'timestamp') return isoInstant(value as number)
  return value
}

let lastInstant = 0
let lastText = '1970-01-01T00:00:00.000Z'

/** Records of a batch share their log time: the same text serves all of them. */
function isoInstant(instant: number): string {
  if (instant !== lastInstant) {
    lastInstant = instant
    lastText = new Date(instant).toISOString()
  }
  return lastText
}

/** Expressions that read every column in a form that `rowOf` takes. */
export function selectList(table: Table, prefix = ''): string {
  return Object.entries(table.columns)
    .map(([column, type]) => `${readable(type, `${prefix}"${column}"`)} AS "${column}"`)
    .join(', ')
}

function readable(type: ColumnType, column: string): string {
  if (type === 'timestamp') return `(extract(epoch FROM ${column}) * 1000)::bigint::text`
  return type === 'boolean' || type === 'bytes' || type === 'texts' ? column : `${column}::text`
}

/** A row read with `selectList`, with the values that processors use. */
export function rowOf(table: Table, raw: { readonly [column: string]: unknown }): Row {
  const row: { [column: string]: Value } = {}
  for (const [column, type] of Object.entries(table.columns)) {
    row[column] = fromSql(type, raw[column] as string | boolean | Buffer | string[] | null)
  }
  return row
}

function fromSql(type: ColumnType, value: string | boolean | Buffer | string[] | null): Value {
  if (typeof value !== 'string') return value
  switch (type) {
    case 'money':
      return BigInt(value)
    case 'count':
    case 'share':
    case 'timestamp':
      return Number(value)
    case 'date':
      return epochDayOf(value) ?? null
    default:
      return value
  }
}

/** The key of a row as one string, for a Map. */
export function keyText(table: Table, row: Row): string {
  return table.key.map((column) => String(row[column])).join('\u0000')
}
