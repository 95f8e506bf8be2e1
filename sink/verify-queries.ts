/**
 * What `verify` reads: rows and progress of some ledgers as one moment shows them.
 *
 * Invariant: read only, and no transaction longer than five seconds: a long one would keep the engine's dead rows.
 */
import type pg from 'pg'
import { SaldoError } from '../schemas/errors.ts'
import type { CheckpointRow } from './checkpoint-store.ts'
import { CHECKPOINT_CONSUMER } from './postgres-checkpoint-store.ts'
import { asSaldoError, openPool } from './postgres/pool.ts'
import { rowOf, selectList, tables, type Row, type Table, type TableName } from './tables.ts'

const USER_IDS_PER_PAGE = 5_000
const LOCKED = Object.values(tables)
  .map(({ name }) => `ONLY ${name}`)
  .join(', ')
const TRANSACTION_TIMEOUT = '5s'
const CANCELED: ReadonlySet<unknown> = new Set(['57014', '25P04'])

/** Everything that is stored for some ledgers of one partition, and how far each consumer had come then. */
export type Look = {
  readonly progress: Progress
  readonly rows: ReadonlyMap<TableName, readonly Row[]>
  readonly checkpoints: readonly CheckpointRow[]
}

/** Offsets by consumer; one that never ran is missing. */
export type Progress = ReadonlyMap<string, bigint>

export type VerifyReader = {
  /** Ids of all users who have a row anywhere, page by page; one may come several times. */
  userIds(): AsyncGenerator<readonly string[]>
  progress(partition: number): Promise<Progress>
  /** Of the states that count in a partition; undefined before the first owner. */
  generation(partition: number): Promise<number | undefined>
  look(partition: number, userIds: readonly string[]): Promise<Look>
  close(): Promise<void>
}

export function postgresVerifyReader(url: string, role: string): VerifyReader {
  const pool = openPool(url, { role, max: 1 })
  return {
    async *userIds() {
      for (const name of [...Object.keys(tables), 'actor_checkpoints']) {
        yield* userIdsIn(pool, name)
      }
    },
    progress: (partition) => inOneMoment(pool, (client) => readProgress(client, partition)),
    generation: (partition) =>
      inOneMoment(pool, async (client) => {
        const { rows } = await client.query<{ generation: number }>(
          'SELECT generation FROM progress WHERE consumer = $1 AND partition = $2',
          [CHECKPOINT_CONSUMER, partition],
        )
        return rows[0]?.generation
      }),
    look: (partition, userIds) =>
      inOneMoment(pool, async (client) => {
        // Before the snapshot, which begins with the first query: a rebuilt table that took the place of one in between
        // would show what it held when the snapshot was taken, half folded.
        await client.query(`LOCK TABLE ${LOCKED} IN ACCESS SHARE MODE`)
        const progress = await readProgress(client, partition)
        const rows = new Map<TableName, readonly Row[]>()
        for (const name of Object.keys(tables) as TableName[]) {
          rows.set(name, await readRows(client, tables[name], userIds))
        }
        return { progress, rows, checkpoints: await readCheckpoints(client, partition, userIds) }
      }),
    close: () => pool.end(),
  }
}

/** One snapshot for all that `read` asks, and nothing that waits for us in between. */
async function inOneMoment<T>(
  pool: pg.Pool,
  read: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  let client: pg.PoolClient | undefined
  try {
    client = await pool.connect()
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
       SET LOCAL statement_timeout = '${TRANSACTION_TIMEOUT}';
       SET LOCAL transaction_timeout = '${TRANSACTION_TIMEOUT}'`,
    )
    const result = await read(client)
    await client.query('COMMIT')
    client.release()
    return result
  } catch (error) {
    client?.release(true)
    if (error instanceof Error && 'code' in error && CANCELED.has(error.code)) {
      const message = `the database did not answer verify within ${TRANSACTION_TIMEOUT}`
      throw new SaldoError('SALDO_DATABASE_UNAVAILABLE', message, { retryable: true, cause: error })
    }
    throw asSaldoError(error)
  }
}

/** Jumps from user to user in the index: reading every row to find them would take as long as there are rows. */
async function* userIdsIn(pool: pg.Pool, table: string): AsyncGenerator<readonly string[]> {
  for (let after = ''; ;) {
    const page = await inOneMoment(pool, async (client) => {
      const { rows } = await client.query<{ user_id: string }>(
        `WITH RECURSIVE walk (user_id) AS (
           (SELECT user_id FROM ${table} WHERE user_id > $1 ORDER BY user_id LIMIT 1)
           UNION ALL
           SELECT (SELECT t.user_id FROM ${table} t WHERE t.user_id > walk.user_id ORDER BY t.user_id LIMIT 1)
           FROM walk WHERE walk.user_id IS NOT NULL
         ) SELECT user_id FROM walk WHERE user_id IS NOT NULL LIMIT ${USER_IDS_PER_PAGE}`,
        [after],
      )
      return rows.map(({ user_id }) => user_id)
    })
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < USER_IDS_PER_PAGE) return
    after = last
  }
}

async function readProgress(client: pg.PoolClient, partition: number): Promise<Progress> {
  const { rows } = await client.query<{ consumer: string; next_offset: bigint }>({
    name: 'verify-progress',
    text: 'SELECT consumer, next_offset FROM progress WHERE partition = $1',
    values: [partition],
  })
  return new Map(rows.map(({ consumer, next_offset }) => [consumer, next_offset]))
}

async function readRows(
  client: pg.PoolClient,
  table: Table,
  userIds: readonly string[],
): Promise<readonly Row[]> {
  const { rows } = await client.query<{ [column: string]: unknown }>({
    name: `verify-${table.name}`,
    text: `SELECT ${selectList(table)} FROM ${table.name} WHERE user_id = ANY($1)`,
    values: [userIds],
  })
  const amounts = Object.keys(table.columns).filter((column) => table.columns[column] === 'money')
  return rows.map((raw) => foundRow(table, amounts, raw))
}

/** What somebody wrote by hand may not be whole minor units: such a value stays a text, which equals no amount. */
function foundRow(
  table: Table,
  amounts: readonly string[],
  raw: { readonly [column: string]: unknown },
): Row {
  const odd = amounts.filter((column) => {
    const amount = raw[column]
    return typeof amount === 'string' && !/^-?\d+$/.test(amount)
  })
  if (odd.length === 0) return rowOf(table, raw)
  const texts = Object.fromEntries(odd.map((column) => [column, String(raw[column])]))
  const zeros = Object.fromEntries(odd.map((column) => [column, '0']))
  return { ...rowOf(table, { ...raw, ...zeros }), ...texts }
}

type CheckpointColumns = {
  readonly user_id: string
  readonly state_type: string
  readonly state_id: string
  readonly sequence: bigint
  readonly version: bigint
  readonly state: Buffer
}

/** Those that count: rows of an older generation are as if they were not there. */
async function readCheckpoints(
  client: pg.PoolClient,
  partition: number,
  userIds: readonly string[],
): Promise<readonly CheckpointRow[]> {
  const { rows } = await client.query<CheckpointColumns>({
    name: 'verify-checkpoints',
    text: `SELECT user_id, state_type, state_id, sequence, version, state FROM actor_checkpoints
           WHERE user_id = ANY($1)
             AND generation = (SELECT generation FROM progress WHERE consumer = $2 AND partition = $3)`,
    values: [userIds, CHECKPOINT_CONSUMER, partition],
  })
  return rows.map((row) => ({
    userId: row.user_id,
    stateType: row.state_type,
    stateId: row.state_id,
    sequence: Number(row.sequence),
    version: Number(row.version),
    state: row.state,
  }))
}
