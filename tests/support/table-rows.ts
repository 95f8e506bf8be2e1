/** Rows of the tables: random ones of every column type, and all that a table holds. */
import fc from 'fast-check'
import type pg from 'pg'
import {
  columnList,
  rowOf,
  selectList,
  tables,
  type Row,
  type Table,
  type TableName,
  type Value,
} from '../../sink/tables.ts'

type ColumnType = Table['columns'][string]

const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .map((some) => some.replaceAll('\0', '').replaceAll('\\', '\\\\'))

const arbitraryValue: { readonly [type in ColumnType]: fc.Arbitrary<Value> } = {
  text,
  ints: fc.array(fc.integer(), { maxLength: 4 }),
  uuid: fc.uuid(),
  json: fc
    .json({ maxDepth: 2, noUnicodeString: false })
    .map((some) => some.replaceAll('\\u0000', '')),
  texts: fc.array(text, { maxLength: 4 }),
  bytes: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  boolean: fc.boolean(),
  int: fc.integer(),
  count: fc.maxSafeInteger(),
  money: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
  share: fc.integer({ min: 0, max: 10_000 }).map((parts) => parts / 10_000),
  date: fc.integer({ min: -20_000, max: 100_000 }),
  timestamp: fc.integer({ min: -(10 ** 12), max: 4 * 10 ** 12 }),
}

/** A row with a value in every column; `nullable` columns may lack one. */
export function arbitraryRow(
  table: Table,
  nullable: (column: string) => boolean = () => false,
): fc.Arbitrary<Row> {
  const columns = Object.entries(table.columns).map(([column, type]) => {
    const value = arbitraryValue[type]
    return [column, nullable(column) ? fc.option(value) : value] as const
  })
  return fc.record(Object.fromEntries(columns))
}

/** Every row of a table, in the order of its key. */
export async function rowsOf(client: pg.ClientBase | pg.Pool, name: TableName): Promise<Row[]> {
  const table: Table = tables[name]
  const { rows } = await client.query<{ [column: string]: unknown }>(
    `SELECT ${selectList(table)} FROM ${table.name} ORDER BY ${columnList(table.key, `${table.name}.`)}`,
  )
  return rows.map((raw) => rowOf(table, raw))
}

export const tableNames: readonly TableName[] = Object.values(tables).map(({ name }) => name)
