import pg from 'pg'
import { SaldoError } from '../schemas/errors.ts'
import { takeOverProgress } from './postgres-checkpoint-store.ts'
import { connect, type Connection } from './postgres/connection.ts'
import { asSaldoError, byKeyOnly, openPool } from './postgres/pool.ts'
import { BEGIN_WRITING } from './table-gate.ts'
import { CHANGE_CHANNEL, changeText } from './table-change.ts'
import {
  aloneOf,
  emptied,
  partsOf,
  shapeOf,
  statementOf,
  valuesOf,
  type Part,
} from './table-statement.ts'
import type { TableBatch, TableProgress, TableStore } from './table-store.ts'
import { columnList, rowOf, selectList, tables, type Row, type Table } from './tables.ts'

const FENCED = 'SA001'
const UNIQUE_VIOLATION = '23505'

/**
 * One writing connection per store: give each partition's owner a store of its own. Reads go through a pool that stores
 * share, or through one of its own.
 */
export function postgresTableStore(url: string, role: string, shared?: pg.Pool): TableStore {
  const pool = shared ?? openPool(url, { role, max: 2, session: byKeyOnly })
  let writing: Promise<Connection> | undefined
  let announcing: Promise<unknown> = Promise.resolve()
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
          tellsFrom: row.tells_from,
        })
      }
      return taken
    },
    read: (table, keys) => readRows(pool, tables[table], keys),
    readBinding: (table, users) => readBinding(pool, tables[table], users),
    async apply(batch) {
      try {
        writing ??= writingConnection(url, role)
        const { client } = await writing
        await applyOnce(client, batch)
        announcing = announce(client, batch)
      } catch (error) {
        const broken = writing
        writing = undefined
        await broken?.then(({ client }) => client.end()).catch(() => undefined)
        throw await refusal(pool, batch, error)
      }
    },
    async close() {
      await announcing
      await writing?.then(({ client }) => client.end()).catch(() => undefined)
      if (shared === undefined) await pool.end()
    },
  }
}

/**
 * One notification per batch and partition, after its commit and not inside it: a transaction that notifies holds a lock
 * of the whole server until it is on disk, so the commits of all partitions would wait for each other. This one writes
 * nothing that has to be on disk. Nobody waits for it, and a lost one is found by its gap (`change-feed.ts`).
 */
function announce(client: pg.Client, batch: TableBatch): Promise<unknown> {
  const text = changeText(batch)
  if (text === undefined) return Promise.resolve()
  return client
    .query("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)", [
      CHANGE_CHANNEL,
      text,
    ])
    .catch(() => undefined)
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

async function writingConnection(url: string, role: string): Promise<Connection> {
  const connection = await connect(url, `${role}-write`, byKeyOnly)
  await connection.client.query("SET idle_in_transaction_session_timeout = '5s'")
  return connection
}

/**
 * A row that only the first of its key writes is nearly always new, and costs half when it need not be merged. So it is
 * taken for new first; when one was there, nothing of the batch is written, and it is written again with a merge.
 */
async function applyOnce(client: pg.Client, batch: TableBatch): Promise<void> {
  try {
    await applyParts(client, batch, partsOf(batch, 'new'))
  } catch (error) {
    if (!isKept(batch, error)) throw error
    await applyParts(client, batch, partsOf(batch, 'keep'))
  }
}

function isKept({ writes }: TableBatch, error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === UNIQUE_VIOLATION &&
    writes.some(({ mode, table }) => mode === 'keep' && table === error.table)
  )
}

/** All that is written travels in one statement, so that no lock is held for long while a client is sending. */
async function applyParts(
  client: pg.Client,
  { partition, moves }: TableBatch,
  parts: readonly Part[],
): Promise<void> {
  await client.query(BEGIN_WRITING)
  try {
    await client.query({
      name: preparedName(shapeOf(parts)),
      text: statementOf(parts),
      values: [...valuesOf(partition, moves, parts)],
    })
    for (const part of emptied(parts)) {
      const { text, values } = aloneOf(part)
      await client.query({ name: preparedName(shapeOf([part])), text, values: [...values] })
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}

/** Every prepared statement is memory in every connection; batches mostly have the same few shapes. */
const PREPARED_MAX = 64
const preparedNames = new Map<string, string>()

function preparedName(shape: string): string | undefined {
  const known = preparedNames.get(shape)
  if (known !== undefined || preparedNames.size === PREPARED_MAX) return known
  const name = `apply-${preparedNames.size}`
  preparedNames.set(shape, name)
  return name
}

async function readRows(
  pool: pg.Pool,
  table: Table,
  keys: readonly Row[],
): Promise<readonly Row[]> {
  const [first] = keys
  if (first === undefined) return []
  const columns = table.key.filter((column) => column in first)
  const arrays = columns.map((_, index) => `$${index + 1}::text[]`).join(', ')
  const join = columns.map((column) => `t."${column}" = k."${column}"`).join(' AND ')
  try {
    const { rows } = await pool.query<{ [column: string]: unknown }>({
      name: `read-${table.name}-by-${columns.length}`,
      // Not a join: planned on an empty table it would go through the whole of it, until the server analyses it.
      text: `SELECT ${selectList(table, 't.')} FROM unnest(${arrays}) AS k (${columnList(columns)}),
             LATERAL (SELECT * FROM ${table.name} t WHERE ${join} OFFSET 0) AS t`,
      values: columns.map((column) => keys.map((key) => key[column])),
    })
    return rows.map((raw) => rowOf(table, raw))
  } catch (error) {
    throw asSaldoError(error)
  }
}

async function readBinding(
  pool: pg.Pool,
  table: Table,
  users: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  if (users.size === 0 || table.binding === undefined) return new Set()
  try {
    const { rows } = await pool.query<{ user_id: string }>({
      name: `binding-${table.name}`,
      // Not a join, as above.
      text: `SELECT k.user_id FROM unnest($1::text[]) AS k (user_id),
             LATERAL (SELECT FROM ${table.name} t
                      WHERE t.user_id = k.user_id AND t."${table.binding}" IS NOT NULL LIMIT 1) AS t`,
      values: [[...users]],
    })
    return new Set(rows.map(({ user_id }) => user_id))
  } catch (error) {
    throw asSaldoError(error)
  }
}
