import type pg from 'pg'
import { SaldoError } from '../schemas/errors.ts'
import { refuseNewer, refuseNewerRow } from './checkpoint-generation.ts'
import type {
  CheckpointBatch,
  CheckpointProgress,
  CheckpointRow,
  CheckpointStore,
  Wanted,
} from './checkpoint-store.ts'
import { textArray } from './binary-arrays.ts'
import { copyInto } from './copy-rows.ts'
import { connect, type Connection } from './postgres/connection.ts'
import { asSaldoError, byKeyOnly, openPool } from './postgres/pool.ts'

/** Name of the progress rows; stands in the database for ever. */
export const CHECKPOINT_CONSUMER = 'actors:checkpoint'

export function postgresCheckpointStore(
  url: string,
  role: string,
  generation: number,
): CheckpointStore {
  const pool = openPool(url, { role, max: 2, session: byKeyOnly })
  let staging: Promise<Connection> | undefined
  // One staging connection; saves of several partitions take turns on it.
  let turn: Promise<unknown> = Promise.resolve()

  const save = async (batch: CheckpointBatch): Promise<'saved' | 'fenced'> => {
    try {
      staging ??= stagingConnection(url, role)
      const { client } = await staging
      return await saveWith(client, batch, generation)
    } catch (error) {
      const broken = staging
      staging = undefined
      await broken?.then(({ client }) => client.end()).catch(() => undefined)
      throw asSaldoError(error)
    }
  }
  return {
    takeOver: (partition, logIdentity) => takeOver(pool, partition, logIdentity, generation),
    async save(batch) {
      const mine = turn.then(() => save(batch))
      turn = mine.catch(() => undefined)
      return mine
    },
    load: (wanted) => load(pool, wanted, generation),
    async close() {
      await staging?.then(({ client }) => client.end()).catch(() => undefined)
      await pool.end()
    },
  }
}

async function stagingConnection(url: string, role: string): Promise<Connection> {
  const connection = await connect(url, `${role}-checkpoint`, byKeyOnly)
  await connection.client.query(
    `CREATE TEMPORARY TABLE incoming_checkpoint (
       user_id text, state_type text, state_id text, sequence bigint, version bigint, state bytea)`,
  )
  return connection
}

const STAGED = ['text', 'text', 'text', 'count', 'count', 'bytes'] as const

/** COPY cannot upsert: rows land in the session's staging table before any lock is taken, and one call merges them. */
async function saveWith(
  client: pg.Client,
  batch: CheckpointBatch,
  generation: number,
): Promise<'saved' | 'fenced'> {
  await client.query('TRUNCATE incoming_checkpoint')
  await copyInto(
    client,
    'incoming_checkpoint',
    STAGED,
    batch.rows.map((row) => [
      row.userId,
      row.stateType,
      row.stateId,
      row.sequence,
      row.version,
      row.state,
    ]),
  )
  const { rows } = await client.query<{ saved: boolean }>({
    name: 'save-checkpoint',
    text: 'SELECT save_checkpoint($1, $2, $3, $4, $5, $6, $7, $8) AS saved',
    values: [
      CHECKPOINT_CONSUMER,
      batch.partition,
      batch.epoch,
      batch.fromEventsOffset,
      batch.toEventsOffset,
      batch.commandsOffset,
      generation,
      batch.lastEventId,
    ],
  })
  return rows[0]?.saved === true ? 'saved' : 'fenced'
}

async function takeOver(
  pool: pg.Pool,
  partition: number,
  logIdentity: string,
  generation: number,
): Promise<CheckpointProgress> {
  const progress = await takenOver(pool, logIdentity, {
    text: 'SELECT * FROM take_over_checkpoints($1, $2, $3, $4)',
    values: [CHECKPOINT_CONSUMER, partition, logIdentity, generation],
  })
  refuseNewer(partition, progress.generation, generation)
  return {
    epoch: progress.epoch,
    eventsOffset: progress.next_offset,
    commandsOffset: progress.commands_offset ?? undefined,
    lastEventId: progress.last_event_id ?? undefined,
    logIdentity: progress.log_identity,
  }
}

export type ProgressRow = {
  readonly epoch: bigint
  readonly next_offset: bigint
  readonly commands_offset: bigint | null
  readonly last_event_id: string | null
  readonly log_identity: string
  readonly generation: number
  readonly tells_from: bigint
}

/** Raises the epoch of a progress row, made where there is none; refuses one that belongs to another log. */
export async function takeOverProgress(
  pool: pg.Pool,
  consumer: string,
  partition: number,
  logIdentity: string,
): Promise<ProgressRow> {
  return takenOver(pool, logIdentity, {
    text: 'SELECT * FROM take_over_progress($1, $2, $3)',
    values: [consumer, partition, logIdentity],
  })
}

async function takenOver(
  pool: pg.Pool,
  logIdentity: string,
  query: { readonly text: string; readonly values: readonly [consumer: string, ...unknown[]] },
): Promise<ProgressRow> {
  try {
    const { rows } = await pool.query<ProgressRow>(query.text, [...query.values])
    const row = rows[0]
    if (row === undefined) throw new Error('an upsert that returns no row')
    if (row.log_identity !== logIdentity) {
      throw new SaldoError(
        'SALDO_LOG_MISMATCH',
        `the progress of ${query.values[0]} belongs to another log: use the log that these tables were made from, or start with an empty database`,
      )
    }
    return row
  } catch (error) {
    throw asSaldoError(error)
  }
}

type Row = {
  readonly user_id: string
  readonly state_type: string
  readonly state_id: string
  readonly sequence: bigint
  readonly version: bigint
  readonly generation: number
  readonly state: Buffer
}

/** A ledger's states but its transactions: what the index has before and behind them, however many they are. */
async function load(
  pool: pg.Pool,
  { ledgers, transactions }: Wanted,
  generation: number,
): Promise<readonly CheckpointRow[]> {
  try {
    const { rows } = await pool.query<Row>({
      name: 'load-checkpoints',
      text: `SELECT user_id, state_type, state_id, sequence, version, generation, state
             FROM actor_checkpoints
             WHERE user_id = ANY($1::text[]) AND state_type < 'transaction' AND generation >= $4
             UNION ALL
             SELECT user_id, state_type, state_id, sequence, version, generation, state
             FROM actor_checkpoints
             WHERE user_id = ANY($1) AND state_type > 'transaction' AND generation >= $4
             UNION ALL
             SELECT c.*
             FROM unnest($2::text[], $3::text[]) AS wanted (user_id, state_id),
             LATERAL (
               SELECT user_id, state_type, state_id, sequence, version, generation, state
               FROM actor_checkpoints
               WHERE user_id = wanted.user_id AND state_type = 'transaction'
                 AND state_id = wanted.state_id AND generation >= $4
               -- Planned on an empty table the join would otherwise go through all transactions, until it is analysed.
               OFFSET 0
             ) AS c`,
      values: [
        textArray(ledgers),
        textArray(transactions.map(({ userId }) => userId)),
        textArray(transactions.map(({ transactionId }) => transactionId)),
        generation,
      ],
    })
    for (const row of rows) refuseNewerRow(row.generation, generation)
    return rows.map((row) => ({
      userId: row.user_id,
      stateType: row.state_type,
      stateId: row.state_id,
      sequence: Number(row.sequence),
      version: Number(row.version),
      state: row.state,
    }))
  } catch (error) {
    throw asSaldoError(error)
  }
}
