/**
 * What a rebuild needs of the database: shadow tables, the swap, and the record that it was done.
 *
 * Invariant: one rebuild at a time, and what one that was interrupted left is gone before the next begins. Nothing of
 * the live tables changes before the swap, and the swap is one transaction.
 */
import pg from 'pg'
import { SaldoError } from '../schemas/errors.ts'
import { connect, type Connection } from './postgres/connection.ts'
import { asSaldoError } from './postgres/pool.ts'
import { CLOSE_GATE, REBUILD_SCHEMA } from './table-gate.ts'
import { columnList, type TableName } from './tables.ts'

export type RebuildTarget = {
  readonly processor: string
  readonly tables: readonly TableName[]
  /** Name of the progress rows of the live tables. */
  readonly consumer: string
  /** Those of all processors that share its owner; its own is among them. */
  readonly siblings: readonly string[]
  readonly partitions: number
}

/** Where the live table stands in a partition, and in which log; undefined where it never ran. */
export type Standing = { readonly offset: bigint; readonly logIdentity: string | null } | undefined

export type RunFigures = {
  readonly result: 'done' | 'failed' | 'interrupted'
  readonly fromOffsets: readonly bigint[]
  readonly toOffsets: readonly bigint[]
  readonly events: number
  readonly rows?: number
  readonly error?: string
}

export type TableRebuilds = {
  /** Makes empty shadow tables and says that a run began; its id. */
  begin(target: RebuildTarget): Promise<bigint>
  /** Copies rows that outlived what they were made from, and lets the fold of a partition begin behind that. */
  keepRows(target: RebuildTarget, kept: KeptRows): Promise<void>
  /** What a table that grew in one go lacks: statistics, and a map of the pages that every reader may see. */
  settle(target: RebuildTarget): Promise<void>
  /** Where the live table stands, by partition. */
  standings(target: RebuildTarget): Promise<readonly Standing[]>
  /**
   * Closes the gate, tells where the live table stands in each partition, waits for the answer, which is what the shadow
   * has reached by then, and swaps. Resolves to false, having changed nothing, when somebody was in the way for too long
   * or the answer is undefined.
   */
  swap(
    target: RebuildTarget,
    reach: (standings: readonly Standing[]) => Promise<readonly bigint[] | undefined>,
  ): Promise<boolean>
  countRows(target: RebuildTarget): Promise<number>
  /** Removes the shadow tables. */
  discard(): Promise<void>
  end(run: bigint, figures: RunFigures): Promise<void>
  close(): Promise<void>
}

export type KeptRows = {
  readonly partition: number
  /** Where the topic starts. */
  readonly from: bigint
  readonly logIdentity: string
  /** Of the row: which are kept. Undefined keeps all of the partition. */
  readonly column: string
  readonly below: number | undefined
}

const REBUILD_LOCK = 7_301_125_004n
const BEHIND = 'SA002'
const MATERIALISED = 'SA003'
const DEPENDENT_OBJECTS = '2BP01'
/** Less than the second after which PostgreSQL looks for a deadlock and ends somebody: we step back first. */
const LOCK_TIMEOUT = '800ms'
const LOCKED_OUT: ReadonlySet<unknown> = new Set(['55P03', '40P01', BEHIND])

/** Rejects with SALDO_REBUILD_REFUSED while another rebuild runs. */
export async function tableRebuilds(url: string, role: string): Promise<TableRebuilds> {
  const connection = await connect(url, role)
  const { client } = connection
  try {
    const { rows } = await client.query<{ mine: boolean }>(
      'SELECT pg_try_advisory_lock($1) AS mine',
      [REBUILD_LOCK],
    )
    if (rows[0]?.mine !== true) {
      throw new SaldoError(
        'SALDO_REBUILD_REFUSED',
        'another rebuild is running on this database: wait for its end, or stop it',
      )
    }
    return rebuildsOn(connection)
  } catch (error) {
    await client.end().catch(() => undefined)
    throw asSaldoError(error)
  }
}

/** Where a shadow store has to write: to the tables of the same name in another schema. */
export function shadowUrl(url: string): string {
  const parsed = new URL(url)
  const own = parsed.searchParams.get('options') ?? ''
  parsed.searchParams.set('options', `${own} -c search_path=${REBUILD_SCHEMA},public`.trim())
  return parsed.href
}

/** Name of the progress rows of a table that is being rebuilt. */
export function shadowConsumer(consumer: string): string {
  return consumer.replace(/^tables:/, 'rebuild:')
}

function rebuildsOn({ client }: Connection): TableRebuilds {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw refusalOf(error)
    }
  }
  return {
    begin: (target) => guarded(() => inTransaction(client, () => begin(client, target))),
    keepRows: (target, kept) =>
      guarded(() => inTransaction(client, () => keepRows(client, target, kept))),
    settle: (target) =>
      guarded(async () => {
        for (const table of target.tables)
          await client.query(`VACUUM (ANALYZE, SKIP_LOCKED) rebuild.${table}`)
      }),
    standings: (target) => guarded(() => standingsOf(client, target)),
    swap: (target, reach) => guarded(() => swap(client, target, reach)),
    countRows: (target) => guarded(() => countRows(client, target)),
    discard: () => guarded(() => inTransaction(client, () => discard(client))),
    end: (run, figures) => guarded(() => end(client, run, figures)),
    close: () => client.end().catch(() => undefined),
  }
}

function refusalOf(error: unknown): Error {
  const code = error instanceof pg.DatabaseError ? error.code : undefined
  if (error instanceof pg.DatabaseError && (code === MATERIALISED || code === DEPENDENT_OBJECTS)) {
    const detail = error.detail === undefined ? '' : ` (${error.detail.replaceAll('\n', '; ')})`
    return new SaldoError(
      'SALDO_REBUILD_REFUSED',
      `the rebuilt table cannot take the place of the live one: ${error.message}${detail}`,
      { retryable: false, cause: error },
    )
  }
  return asSaldoError(error)
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN')
  try {
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function begin(client: pg.Client, target: RebuildTarget): Promise<bigint> {
  await discard(client)
  // We hold the lock: whoever says that it is running is not.
  await client.query(
    `UPDATE processor_runs SET result = 'interrupted', ended_at = now() WHERE result = 'running'`,
  )
  for (const table of target.tables) await client.query('SELECT create_shadow($1)', [table])
  const { rows } = await client.query<{ id: bigint }>(
    'INSERT INTO processor_runs (processor, tables, partitions) VALUES ($1, $2, $3) RETURNING id',
    [target.processor, target.tables, target.partitions],
  )
  const id = rows[0]?.id
  if (id === undefined) throw new Error('an insert that returns no row')
  return id
}

async function discard(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'rebuild'`,
  )
  for (const { name } of rows) await client.query(`DROP TABLE rebuild.${name}`)
  await client.query(`DELETE FROM progress WHERE consumer LIKE 'rebuild:%'`)
}

async function keepRows(
  client: pg.Client,
  { tables, consumer }: RebuildTarget,
  { partition, from, logIdentity, column, below }: KeptRows,
): Promise<void> {
  for (const table of tables) {
    const isKept = `partition = $1 AND ($2::bigint IS NULL OR ${columnList([column])} < $2)`
    await client.query(
      `INSERT INTO rebuild.${table} SELECT * FROM public.${table} WHERE ${isKept}`,
      [partition, below],
    )
  }
  await client.query(
    'INSERT INTO progress (consumer, partition, next_offset, log_identity) VALUES ($1, $2, $3, $4)',
    [shadowConsumer(consumer), partition, from, logIdentity],
  )
}

async function swap(
  client: pg.Client,
  target: RebuildTarget,
  reach: (standings: readonly Standing[]) => Promise<readonly bigint[] | undefined>,
): Promise<boolean> {
  try {
    return await inTransaction(client, async () => {
      // Whatever becomes of this process, the gate opens again.
      await client.query(
        `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'; SET LOCAL idle_in_transaction_session_timeout = '5s';
         SET LOCAL transaction_timeout = '20s'`,
      )
      await client.query(CLOSE_GATE)
      const standings = await standingsOf(client, target)
      const targets = await reach(standings)
      if (targets === undefined) throw new NotYet()
      await client.query('SELECT swap_in_shadow($1, $2, $3, $4, $5, $6)', [
        target.tables,
        target.consumer,
        shadowConsumer(target.consumer),
        standings.map((standing) => standing?.offset ?? null),
        targets,
        target.siblings,
      ])
      return true
    })
  } catch (error) {
    if (error instanceof NotYet) return false
    if (error instanceof pg.DatabaseError && LOCKED_OUT.has(error.code)) return false
    throw error
  }
}

class NotYet extends Error {}

async function standingsOf(
  client: pg.Client,
  { consumer, partitions }: RebuildTarget,
): Promise<readonly Standing[]> {
  const { rows } = await client.query<{
    partition: number
    next_offset: bigint
    log_identity: string | null
  }>('SELECT partition, next_offset, log_identity FROM progress WHERE consumer = $1', [consumer])
  return Array.from({ length: partitions }, (_, partition) => {
    const row = rows.find((one) => one.partition === partition)
    return row === undefined
      ? undefined
      : { offset: row.next_offset, logIdentity: row.log_identity }
  })
}

async function countRows(client: pg.Client, { tables }: RebuildTarget): Promise<number> {
  let count = 0
  for (const table of tables) {
    const { rows } = await client.query<{ count: bigint }>(`SELECT count(*) FROM public.${table}`)
    count += Number(rows[0]?.count ?? 0n)
  }
  return count
}

async function end(
  client: pg.Client,
  run: bigint,
  { result, fromOffsets, toOffsets, events, rows, error }: RunFigures,
): Promise<void> {
  await client.query(
    `UPDATE processor_runs SET ended_at = now(), result = $2, from_offsets = $3, to_offsets = $4, events = $5,
       rows = $6, error = $7 WHERE id = $1`,
    [run, result, fromOffsets, toOffsets, events, rows ?? null, error ?? null],
  )
}
