/** SQL that merges staged rows into a table. Every name in it is ours; no value of a user ever gets here. */
import { columnList, columnsOf, tables, type Row, type Table } from './tables.ts'
import type { TableWrite } from './table-store.ts'

export function stagingTable(table: Table): string {
  return `incoming_${table.name}`
}

/** Rows wait here until the transaction ends; `gone` marks those to be removed. Constraints hold in the real table. */
export const stagingTables: readonly string[] = Object.values(tables).map((table: Table) => {
  const name = stagingTable(table)
  const columns = columnList(columnsOf(table))
  return `CREATE TEMPORARY TABLE ${name} ON COMMIT DELETE ROWS AS
            SELECT ${columns}, false AS gone FROM ${table.name} WITH NO DATA`
})

/** Only what the write needs: a statement that touches nothing is still planned and scanned for. */
export function mergeStatements(write: TableWrite): readonly string[] {
  const table: Table = tables[write.table]
  const { mode, rows, removed = [] } = write
  switch (mode) {
    case 'append':
      return []
    case 'add':
      return [
        ...(rows.length > 0 ? [insert(table, sumsGrow(table))] : []),
        ...(rows.some((row) => takesAway(table, row)) ? [removeEmpty(table)] : []),
      ]
    case 'upsert':
      return [
        ...(rows.length > 0 ? [insert(table, replaced(table))] : []),
        ...(removed.length > 0 ? [removeGone(table)] : []),
      ]
    case 'keep':
      return rows.length > 0
        ? [insert(table, `${replaced(table)} WHERE ${table.givesWay ?? 'false'}`)]
        : []
  }
}

/** Only a row whose count falls, or stays as others take from it, can become empty. */
function takesAway(table: Table, row: Row): boolean {
  const last = row[table.sums?.at(-1) ?? '']
  return (typeof last === 'number' || typeof last === 'bigint') && last <= 0
}

function insert(table: Table, onConflict: string): string {
  const columns = columnList(columnsOf(table))
  return `INSERT INTO ${table.name} AS kept (${columns}) SELECT ${columns} FROM ${stagingTable(table)} WHERE NOT gone
          ON CONFLICT (${columnList(table.key)}) DO UPDATE SET ${onConflict}`
}

function replaced(table: Table): string {
  return columnsOf(table)
    .filter((column) => !table.key.includes(column))
    .map((column) => `"${column}" = excluded."${column}"`)
    .join(', ')
}

function sumsGrow(table: Table): string {
  return (table.sums ?? [])
    .map((column) => `"${column}" = kept."${column}" + excluded."${column}"`)
    .join(', ')
}

function sameKey(table: Table): string {
  return table.key.map((column) => `t."${column}" = i."${column}"`).join(' AND ')
}

function removeGone(table: Table): string {
  return `DELETE FROM ${table.name} t USING ${stagingTable(table)} i WHERE i.gone AND ${sameKey(table)}`
}

function removeEmpty(table: Table): string {
  const last = table.sums?.at(-1) ?? ''
  return `DELETE FROM ${table.name} t USING ${stagingTable(table)} i WHERE t."${last}" = 0 AND ${sameKey(table)}`
}
