/**
 * A whole batch as one statement: progress rows move, rows are written. Every name in it is ours; values are parameters.
 */
import { ColumnArrays, selected, unnested } from './binary-arrays.ts'
import type { ColumnType } from './binary-fields.ts'
import type { TableBatch, TableMove } from './table-store.ts'
import { columnList, columnsOf, outbox, tables, type Row, type Table } from './tables.ts'

/** Rows that are written in one way: `keep` gives way as its table says, `once` stays as it is, `new` must not be there. */
export type Part = {
  readonly way: 'new' | 'replace' | 'add' | 'keep' | 'once' | 'remove' | 'remove-empty'
  readonly table: Table
  readonly rows: readonly Row[]
}

/** Only what there is to write: a part that touches nothing is still planned and scanned for. */
export function partsOf(
  { writes, outbox: told = [] }: TableBatch,
  keptRows: 'new' | 'keep',
): readonly Part[] {
  const parts = writes.flatMap((write): Part[] => {
    const table: Table = tables[write.table]
    const { mode, rows, fresh = [], added = [], removed = [] } = write
    switch (mode) {
      case 'append':
        return [{ way: 'new', table, rows }]
      case 'add':
        return [{ way: 'add', table, rows }]
      case 'keep':
        return [{ way: keptRows, table, rows }]
      case 'upsert':
        return [
          { way: 'new', table, rows: fresh },
          { way: 'replace', table, rows },
          { way: 'add', table, rows: added },
          { way: 'remove', table, rows: removed },
        ]
    }
  })
  parts.push({ way: 'once', table: outbox, rows: told })
  return parts.filter(({ rows }) => rows.length > 0)
}

/** Rows whose count falls, or stays as others take from it, and so may have become empty. For a statement of its own: one statement does not see what it wrote. */
export function emptied(parts: readonly Part[]): readonly Part[] {
  return parts
    .filter(({ way }) => way === 'add')
    .map(({ table, rows }): Part => {
      const count = table.sums?.at(-1) ?? ''
      return { way: 'remove-empty', table, rows: rows.filter((row) => Number(row[count]) <= 0) }
    })
    .filter(({ rows }) => rows.length > 0)
}

const MOVE_PARAMETERS = 6

export function statementOf(parts: readonly Part[]): string {
  let parameter = MOVE_PARAMETERS + 1
  const writes = parts.map((part, index) => {
    const text = `part_${index} AS (${partStatement(part, parameter)})`
    parameter += columnsIn(part).length
    return text
  })
  const moved = `moved AS MATERIALIZED (
    SELECT move_progress(m.consumer, $2, m.epoch, m.from_offset, m.to_offset, m.event_id)
    FROM unnest($1::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
      AS m (consumer, epoch, from_offset, to_offset, event_id))`
  return `WITH ${[moved, ...writes].join(',\n')}\nSELECT count(*) FROM moved`
}

export function valuesOf(
  partition: number,
  moves: readonly TableMove[],
  parts: readonly Part[],
): readonly unknown[] {
  const arrays = new ColumnArrays()
  for (const part of parts) arrays.add(columnsIn(part), part.rows)
  return [
    moves.map(({ consumer }) => consumer),
    partition,
    moves.map(({ epoch }) => epoch),
    moves.map(({ from }) => from),
    moves.map(({ to }) => to),
    moves.map(({ lastEventId }) => lastEventId ?? null),
    ...arrays.take(),
  ]
}

/** What is the same for batches with the same statement. */
export function shapeOf(parts: readonly Part[]): string {
  return parts.map(({ way, table }) => `${way} ${table.name}`).join(', ')
}

/** The statement of one part alone, and its values. */
export function aloneOf(part: Part): {
  readonly text: string
  readonly values: readonly unknown[]
} {
  const arrays = new ColumnArrays()
  arrays.add(columnsIn(part), part.rows)
  return { text: partStatement(part, 1), values: arrays.take() }
}

type Columns = readonly (readonly [name: string, type: ColumnType])[]

function columnsIn({ way, table }: Part): Columns {
  const columns = Object.entries(table.columns)
  switch (way) {
    case 'remove':
    case 'remove-empty':
      return columns.filter(([name]) => table.key.includes(name))
    case 'add': {
      const named = new Set([...table.key, ...(table.sums ?? []), ...(table.stamps ?? [])])
      return columns.filter(([name]) => named.has(name))
    }
    default:
      return columns
  }
}

function partStatement(part: Part, parameter: number): string {
  const { way, table } = part
  const columns = columnsIn(part)
  const source = unnested(columns, parameter, 'i')
  if (way === 'remove' || way === 'remove-empty') {
    const last = table.sums?.at(-1) ?? ''
    const empty = way === 'remove' ? '' : ` AND t."${last}" = 0`
    return `DELETE FROM ${table.name} t USING ${source} WHERE ${sameKey(table)}${empty}`
  }
  const names = columnList(columns.map(([name]) => name))
  return `INSERT INTO ${table.name} AS kept (${names}) SELECT ${selected(columns, 'i')} FROM ${source}${onConflict(part)}`
}

function onConflict({ way, table }: Part): string {
  const update = `\n ON CONFLICT (${columnList(table.key)}) DO UPDATE SET`
  switch (way) {
    case 'replace':
      return `${update} ${replaced(table)}`
    case 'add':
      return `${update} ${sumsGrow(table)}`
    case 'keep':
      return `${update} ${replaced(table)} WHERE ${table.givesWay ?? 'false'}`
    case 'once':
      return '\n ON CONFLICT DO NOTHING'
    default:
      return ''
  }
}

function replaced(table: Table): string {
  return columnsOf(table)
    .filter((column) => !table.key.includes(column))
    .map((column) => `"${column}" = excluded."${column}"`)
    .join(', ')
}

function sumsGrow(table: Table): string {
  const sums = (table.sums ?? []).map((column) => {
    return `"${column}" = kept."${column}" + excluded."${column}"`
  })
  const stamps = (table.stamps ?? []).map((column) => `"${column}" = excluded."${column}"`)
  return [...sums, ...stamps].join(', ')
}

function sameKey(table: Table): string {
  return table.key.map((column) => `t."${column}" = i."${column}"`).join(' AND ')
}
