import pg from 'pg'
import { SaldoError } from '../schemas/errors.ts'
import { copyInto } from './copy-rows.ts'
import { takeOverProgress } from './postgres-checkpoint-store.ts'
import { connect, type Connection } from './postgres/connection.ts'
import { asSaldoError, openPool } from './postgres/pool.ts'
import { BEGIN_WRITING } from './table-gate.ts'
import { mergeStatements, stagingTable, stagingTables } from './table-merge.ts'
import type { TableBatch, TableProgress, TableStore, TableWrite } from './table-store.ts'
import {
  columnList,
  columnsOf,
  copyTypes,
  copyValues,
  rowOf,
  selectList,
  tables,
  type Row,
  type Table,
} from './tables.ts'

const FENCED = 'SA001'
const UNIQUE_VIOLATION = '23505'

/**
 * One writing connection per store: give each partition's owner a store of its own. Reads go through a pool that stores
 * share, or through one of its own.
 */
export function postgresTableStore(url: string, role: string, shared?: pg.Pool): TableStore {
  const pool = shared ?? openPool(url, { role, max: 2 })
  let writing: Promise<Connection> | undefined
  return {
    async takeOver(consumers, partition, logIdentity) {
      const taken: TableProgress[] = []
      // One after the other: when one is refused, no other is on its way behind the refusal.
      for (const consumer of consumers) {
        const row = await takeOverProgress(pool, consumer, partition, logIdentity)
        taken.push({
          consumer,
          epoch: row.epoch,
          offset: row.next_offset,
          lastEventId: row.last_event_id ?? undefined,
        })
      }
      return taken
    },
    read: (table, keys) => readRows(pool, tables[table], keys),
    async apply(batch) {
      try {
        writing ??= writingConnection(url, role)
        await applyOnce((await writing).client, batch)
      } catch (error) {
        const broken = writing
        writing = undefined
        await broken?.then(({ client }) => client.end()).catch(() => undefined)
        throw await refusal(pool, batch, error)
      }
    },
    async close() {
      await writing?.then(({ client }) => client.end()).catch(() => undefined)
      if (shared === undefined) await pool.end()
    },
  }
}

/** What a newer owner appended already is met as a duplicate key, before the progress row says whose it is. */
async function refusal(pool: pg.Pool, batch: TableBatch, error: unknown): Promise<Error> {
  if (!(error instanceof pg.DatabaseError)) return asSaldoError(error)
  const fenced =
    error.code === FENCED ||
    (error.code === UNIQUE_VIOLATION && !(await isOwned(pool, batch).catch(() => true)))
  if (!fenced) return asSaldoError(error)
  const message = `partition ${batch.partition} of a table has a newer owner: ${error.message}`
  return new SaldoError('SALDO_LEASE_FENCED', message, { retryable: true, cause: error })
}

/** The progress rows still stand where this owner would move them from. */
async function isOwned(pool: pg.Pool, { partition, moves }: TableBatch): Promise<boolean> {
  const { rowCount } = await pool.query(
    `SELECT FROM progress JOIN unnest($2::text[], $3::bigint[], $4::bigint[]) AS mine (consumer, epoch, next_offset)
     USING (consumer, epoch, next_offset) WHERE partition = $1`,
    [
      partition,
      moves.map(({ consumer }) => consumer),
      moves.map(({ epoch }) => epoch),
      moves.map(({ from }) => from),
    ],
  )
  return rowCount === moves.length
}

/** Staging tables are made once per connection: one per batch would bloat the catalog. */
async function writingConnection(url: string, role: string): Promise<Connection> {
  const connection = await connect(url, `${role}-write`)
  await connection.client.query("SET idle_in_transaction_session_timeout = '5s'")
  for (const sql of stagingTables) await connection.client.query(sql)
  return connection
}

/**
 * A row that only the first of its key writes is nearly always new, and costs half when it need not be merged. So it is
 * copied straight into its table first; when one was there, the whole batch is rolled back and merged.
 */
async function applyOnce(client: pg.Client, batch: TableBatch): Promise<void> {
  try {
    await applyWith(client, batch, 'straight')
  } catch (error) {
    if (!isKept(batch, error)) throw error
    await client.query('ROLLBACK')
    await applyWith(client, batch, 'merged')
  }
}

function isKept({ writes }: TableBatch, error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === UNIQUE_VIOLATION &&
    writes.some(({ mode, table }) => mode === 'keep' && table === error.table)
  )
}

type KeptRows = 'straight' | 'merged'

/**
 * Rows go by COPY to where nobody waits for them; then one message moves the progress, merges and commits, so that no
 * client round trip happens under a lock.
 */
async function applyWith(
  client: pg.Client,
  { partition, moves, writes }: TableBatch,
  keptRows: KeptRows,
): Promise<void> {
  await client.query(BEGIN_WRITING)
  const isStraight = ({ mode }: TableWrite): boolean =>
    mode === 'append' || (mode === 'keep' && keptRows === 'straight')
  for (const write of writes) await stage(client, write, isStraight(write))
  const statements = [
    ...moves.map(({ consumer, epoch, from, to, lastEventId }) => {
      const event = lastEventId === undefined ? 'NULL' : client.escapeLiteral(lastEventId)
      return `SELECT move_progress(${client.escapeLiteral(consumer)}, ${partition}, ${epoch}, ${from}, ${to}, ${event})`
    }),
    ...writes.filter((write) => !isStraight(write)).flatMap(mergeStatements),
    'COMMIT',
  ]
  await client.query(statements.join(';\n'))
}

/** What is new goes straight into the table; what may be there already waits in the staging table for the merge. */
async function stage(client: pg.Client, write: TableWrite, allStraight: boolean): Promise<void> {
  const table: Table = tables[write.table]
  const { rows, fresh = [], removed = [] } = write
  const straight = allStraight ? rows : fresh
  if (straight.length > 0) {
    const target = `${table.name} (${columnList(columnsOf(table))})`
    await copyInto(
      client,
      target,
      copyTypes(table),
      straight.map((row) => copyValues(table, row)),
    )
  }
  if (allStraight) return
  const lines = [
    ...rows.map((row) => [...copyValues(table, row), false]),
    ...removed.map((row) => [...copyValues(table, row), true]),
  ]
  if (lines.length > 0)
    await copyInto(client, stagingTable(table), [...copyTypes(table), 'boolean'], lines)
}

async function readRows(
  pool: pg.Pool,
  table: Table,
  keys: readonly Row[],
): Promise<readonly Row[]> {
  if (keys.length === 0) return []
  const arrays = table.key.map((_, index) => `$${index + 1}::text[]`).join(', ')
  const join = table.key.map((column) => `t."${column}" = k."${column}"`).join(' AND ')
  try {
    const { rows } = await pool.query<{ [column: string]: unknown }>({
      name: `read-${table.name}`,
      text: `SELECT ${selectList(table, 't.')} FROM unnest(${arrays}) AS k (${columnList(table.key)})
             JOIN ${table.name} t ON ${join}`,
      values: table.key.map((column) => keys.map((key) => key[column])),
    })
    return rows.map((raw) => rowOf(table, raw))
  } catch (error) {
    throw asSaldoError(error)
  }
}
