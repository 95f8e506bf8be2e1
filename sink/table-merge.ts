/** SQL that merges staged rows into a table. Every name in it is ours; no value of a user ever gets here. */
import { columnList, columnsOf, tables, type Table } from './tables.ts'
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

export function mergeStatements(table: Table, mode: TableWrite['mode']): readonly string[] {
  switch (mode) {
    case 'append':
      return []
    case 'add':
      return [insert(table, sumsGrow(table)), removeEmpty(table)]
    case 'upsert':
      return [insert(table, replaced(table)), removeGone(table)]
    case 'keep':
      return [insert(table, `${replaced(table)} WHERE ${table.givesWay ?? 'false'}`)]
  }
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
