/** The tables that processors write, as data: what a column holds, and how rows merge. */
import { epochDayOf } from '../schemas/dates.ts'
import type { ColumnType } from './binary-fields.ts'

/** Money is a bigint of minor units; a date is days, a timestamp milliseconds since 1970 UTC. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly string[]
  | readonly number[]
  | Buffer

export type Row = { readonly [column: string]: Value }

export type Table = {
  readonly name: string
  readonly columns: { readonly [column: string]: ColumnType }
  readonly key: readonly string[]
  /** Of a table that is only appended to, a hypertable where TimescaleDB is: the time that its unique index ends with. */
  readonly appendedAt?: string
  /** Columns that deltas add up; the row goes when the last of them is 0. */
  readonly sums?: readonly string[]
  /** Columns of a row of sums that each addition sets anew; the others are as the table has them by default. */
  readonly stamps?: readonly string[]
  /** A row in which this column is set binds others of its user: they are not added to without a look. */
  readonly binding?: string
  /** When a stored row gives way to another one with its key; in SQL, over `kept` and `excluded`. */
  readonly givesWay?: string
}

export const tables = {
  events: {
    name: 'events',
    columns: {
      user_id: 'text',
      sequence: 'count',
      event_id: 'uuid',
      aggregate_type: 'text',
      aggregate_id: 'text',
      version: 'count',
      event_type: 'text',
      occurred_at: 'timestamp',
      recorded_at: 'timestamp',
      command_id: 'text',
      partition: 'int',
      offset: 'count',
      event: 'bytes',
    },
    key: ['user_id', 'sequence'],
    appendedAt: 'recorded_at',
  },
  transaction_events: {
    name: 'transaction_events',
    columns: {
      user_id: 'text',
      transaction_id: 'text',
      version: 'count',
      event_id: 'uuid',
      sequence: 'count',
      type: 'text',
      account_id: 'text',
      kind: 'text',
      amount_minor: 'money',
      currency: 'text',
      booked_on: 'date',
      category_id: 'text',
      category_source: 'text',
      confidence: 'share',
      parts: 'json',
      occurred_at: 'timestamp',
      recorded_at: 'timestamp',
      initiator_kind: 'text',
      personal: 'bytes',
    },
    key: ['user_id', 'transaction_id', 'version'],
    appendedAt: 'recorded_at',
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
      kind: 'text',
      linked_transaction_id: 'text',
      parts: 'json',
      part_category_ids: 'texts',
      status: 'text',
      first_category_id: 'text',
      first_category_source: 'text',
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
  daily_income: {
    name: 'daily_income',
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
  balance_history: {
    name: 'balance_history',
    columns: {
      user_id: 'text',
      account_id: 'text',
      booked_on: 'date',
      change_minor: 'money',
      transaction_count: 'count',
    },
    key: ['user_id', 'account_id', 'booked_on'],
    sums: ['change_minor', 'transaction_count'],
  },
  budget_status: {
    name: 'budget_status',
    columns: {
      user_id: 'text',
      month: 'text',
      category_id: 'text',
      currency: 'text',
      budget_id: 'text',
      budget_version: 'count',
      standing: 'boolean',
      name: 'text',
      amount_minor: 'money',
      thresholds: 'ints',
      latched: 'ints',
      spent_minor: 'money',
      transaction_count: 'count',
      updated_at: 'timestamp',
    },
    key: ['user_id', 'month', 'category_id', 'currency'],
    sums: ['spent_minor', 'transaction_count'],
    stamps: ['updated_at'],
    binding: 'budget_id',
  },
  profiles: {
    name: 'profiles',
    columns: {
      user_id: 'text',
      base_currency: 'text',
      time_zone: 'text',
      locale: 'text',
      updated_at: 'timestamp',
    },
    key: ['user_id'],
  },
  command_outcomes: {
    name: 'command_outcomes',
    columns: {
      user_id: 'text',
      command_id: 'text',
      verdict: 'text',
      recorded_at: 'timestamp',
      partition: 'int',
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
    givesWay: `${finality('kept')} < ${finality('excluded')}`,
  },
} as const satisfies { readonly [name: string]: Table }

/** What processors tell the world. No processor folds it: rows come with those of other tables, and once. */
export const outbox = {
  name: 'outbox',
  columns: {
    processor: 'text',
    partition: 'int',
    source_offset: 'count',
    index: 'int',
    event_id: 'uuid',
    topic: 'text',
    event_type: 'text',
    aggregate_type: 'text',
    aggregate_id: 'text',
    user_id: 'text',
    payload: 'bytes',
  },
  key: ['processor', 'partition', 'source_offset', 'index'],
} as const satisfies Table

/** As in `topology/processors/command-outcomes.ts`: the answer that says more replaces the one that says less. */
function finality(row: 'kept' | 'excluded'): string {
  return `CASE WHEN ${row}.verdict = 'parked' OR ${row}.code = 'parking-changed' THEN 0
               WHEN ${row}.verdict = 'failed' THEN 1
               WHEN ${row}.verdict = 'duplicate' THEN 2 ELSE 3 END`
}

export type TableName = keyof typeof tables

export function columnsOf(table: Table): readonly string[] {
  return Object.keys(table.columns)
}

/** A column list for SQL; names are ours, `offset` is a reserved word. */
export function columnList(columns: readonly string[], prefix = ''): string {
  return columns.map((column) => `${prefix}"${column}"`).join(', ')
}

/** Expressions that read every column in a form that `rowOf` takes. */
export function selectList(table: Table, prefix = ''): string {
  return Object.entries(table.columns)
    .map(([column, type]) => `${readable(type, `${prefix}"${column}"`)} AS "${column}"`)
    .join(', ')
}

function readable(type: ColumnType, column: string): string {
  if (type === 'timestamp') return `(extract(epoch FROM ${column}) * 1000)::bigint::text`
  return type === 'boolean' || type === 'bytes' || type === 'texts' || type === 'ints'
    ? column
    : `${column}::text`
}

/** A row read with `selectList`, with the values that processors use. */
export function rowOf(table: Table, raw: { readonly [column: string]: unknown }): Row {
  const row: { [column: string]: Value } = {}
  for (const [column, type] of Object.entries(table.columns)) {
    row[column] = fromSql(type, raw[column] as Exclude<Value, number | bigint>)
  }
  return row
}

function fromSql(type: ColumnType, value: Exclude<Value, number | bigint>): Value {
  if (typeof value !== 'string') return value
  switch (type) {
    case 'money':
      return BigInt(value)
    case 'int':
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

/** The key of a row as one string, for a Map: each of its values, and a zero behind it. */
export function keyText(table: Table, row: Row): string {
  let text = ''
  for (const column of table.key) text += `${String(row[column])}\u0000`
  return text
}

/** The key names one row; otherwise it names all that have its columns. */
export function isWholeKey(table: Table, key: Row): boolean {
  return table.key.every((column) => column in key)
}

export function hasKey(row: Row, key: Row): boolean {
  for (const column in key) if (row[column] !== key[column]) return false
  return true
}
