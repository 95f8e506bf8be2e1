/**
 * The log on PostgreSQL. What a commit or an append does happens in one server-side call (sink/migrations/001-log):
 * no client round trip under a lock, and no lock while a client is still sending.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Pool } from 'pg'
import { SaldoError } from '../../schemas/errors.ts'
import { topics, type TopicName } from '../../schemas/topics.ts'
import { asSaldoError, openPool } from '../../sink/postgres/pool.ts'
import {
  type GroupPlace,
  type Log,
  type Place,
  type Producer,
  type ProducerOptions,
} from './log.ts'
import { appendsInTurn } from './appends-in-turn.ts'
import { recordArrays } from './postgres-arrays.ts'
import { acquireLease } from './postgres-lease.ts'
import { readHead, SliceReader } from './postgres-slices.ts'
import { placeKey, wakeUps, type WakeUps } from './postgres-wake-ups.ts'
import type { Heads } from './waiters.ts'

/** Without a wait in between: a connection of the pool may be a dead one, and so may the next. */
const APPEND_TRIES_AT_ONCE = 5
const RETRY_WAIT_MS_MAX = 1000
const UNDEFINED_TABLE = '42P01'

/**
 * Opens the log of a migrated database; creates the topics on first use, refuses another number of partitions.
 * Without a number it creates nothing and takes the log as it is.
 */
export async function postgresLog(options: {
  readonly url: string
  readonly partitions?: number
  readonly role: string
  /** For reading and appending; shared with others, and not ended with the log. */
  readonly pool?: Pool
}): Promise<Log> {
  // A server has a hundred connections for all processes, and a read takes milliseconds.
  const pool = options.pool ?? openPool(options.url, { role: options.role, max: 3 })
  const endPool = (): Promise<void> => (options.pool === undefined ? pool.end() : Promise.resolve())
  try {
    const partitions = options.partitions ?? (await existingPartitions(pool))
    if (options.partitions !== undefined) await createTopics(pool, partitions)
    const { rows } = await pool.query<{ id: string }>('SELECT id FROM log_identity')
    const wakes = await wakeUps(options.url, options.role, () => readHeads(pool))
    return {
      ...logOf(pool, options.url, partitions, rows[0]?.id ?? '', wakes),
      async close() {
        await wakes.close()
        await endPool()
      },
    }
  } catch (error) {
    await endPool()
    throw asSaldoError(error)
  }
}

async function existingPartitions(pool: Pool): Promise<number> {
  try {
    const { rows } = await pool.query<{ partitions: number }>('SELECT partitions FROM log_topics')
    if (rows[0] !== undefined) return rows[0].partitions
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE
    if (!isMissing) throw error
  }
  throw new SaldoError(
    'SALDO_LOG_MISMATCH',
    'this database holds no log: start the engine on it once (saldo up), or correct DATABASE_URL',
  )
}

/** One statement per table: a start with another number of partitions leaves nothing behind. */
async function createTopics(pool: Pool, partitions: number): Promise<void> {
  const wanted = Object.values(topics)
  await pool.query(
    `INSERT INTO log_topics SELECT id, name, $3 FROM unnest($1::smallint[], $2::text[]) AS wanted (id, name)
     WHERE NOT EXISTS (SELECT FROM log_topics WHERE partitions <> $3) ON CONFLICT DO NOTHING`,
    [wanted.map(({ topicId }) => topicId), wanted.map(({ name }) => name), partitions],
  )
  const { rows } = await pool.query<{ name: string; partitions: number }>(
    'SELECT name, partitions FROM log_topics WHERE partitions <> $1',
    [partitions],
  )
  const other = rows[0]
  if (other !== undefined) {
    throw new SaldoError(
      'SALDO_LOG_MISMATCH',
      `${other.name} has ${other.partitions} partitions, not ${partitions}: their number is fixed for life`,
    )
  }
  await pool.query(
    'INSERT INTO log_heads (topic_id, partition) SELECT topic_id, generate_series(0, partitions - 1) FROM log_topics ON CONFLICT DO NOTHING',
  )
}

function logOf(
  pool: Pool,
  url: string,
  partitions: number,
  identity: string,
  wakes: WakeUps,
): Omit<Log, 'close'> {
  const slices = new SliceReader(pool)
  return {
    partitions,
    identity,
    gapless: true,
    producer: (options = {}) => appendsInTurn(producerOf(pool, wakes, options)),
    acquire: (place) => acquireLease(url, place, wakes),
    async read(place, offset, limit) {
      // The poll that ended a wait has looked just now.
      const quietEnd = wakes.takeQuiet(place, offset)
      if (quietEnd !== undefined) return { records: [], next: offset, end: quietEnd }
      const learn = wakes.asking()
      const slice = await slices.read(place, offset, limit)
      learn(place, slice.end)
      return slice
    },
    start: async (place) => (await readHead(pool, place)).start,
    end: async (place) => (await readHead(pool, place)).end,
    position: (place) => readPosition(pool, place),
    async arrival(place, offset, signal) {
      const waiting = wakes.wait(place, offset, signal)
      try {
        if ((wakes.knownEnd(place) ?? (await askEnd(pool, place, wakes))) > offset) return
        await waiting.over
      } finally {
        waiting.cancel()
      }
    },
  }
}

function producerOf(pool: Pool, wakes: WakeUps, { retryForMs = 0 }: ProducerOptions): Producer {
  const producerId = randomUUID()
  let number = 0
  return {
    async append(records) {
      if (records.length === 0) return
      number++
      await appendOnce(pool, [producerId, number, ...recordArrays(records)], retryForMs)
      wakes.announce(records)
    },
    close: () => Promise.resolve(),
  }
}

/** The number makes repeating safe: what was stored by a call whose answer was lost is not stored again. */
async function appendOnce(
  pool: Pool,
  values: readonly unknown[],
  retryForMs: number,
): Promise<void> {
  const deadline = performance.now() + retryForMs
  for (let attempt = 1; ; attempt++) {
    try {
      await pool.query({
        name: 'log-append',
        text: 'SELECT log_append($1, $2, $3, $4, $5, $6, $7)',
        values: [...values],
      })
      return
    } catch (cause) {
      const error = asSaldoError(cause)
      if (!(error instanceof SaldoError) || !error.retryable) throw error
      if (attempt < APPEND_TRIES_AT_ONCE) continue
      if (performance.now() >= deadline) throw error
      await setTimeout(Math.min(50 * 2 ** (attempt - APPEND_TRIES_AT_ONCE), RETRY_WAIT_MS_MAX))
    }
  }
}

async function askEnd(pool: Pool, place: Place, wakes: WakeUps): Promise<bigint> {
  const learn = wakes.asking()
  const { end } = await readHead(pool, place)
  learn(place, end)
  return end
}

async function readPosition(
  pool: Pool,
  { group, topic, partition }: GroupPlace,
): Promise<bigint | undefined> {
  try {
    const { rows } = await pool.query<{ next_offset: bigint | null }>({
      name: 'log-position',
      text: 'SELECT next_offset FROM log_groups WHERE group_name = $1 AND topic_id = $2 AND partition = $3',
      values: [group, topics[topic].topicId, partition],
    })
    return rows[0]?.next_offset ?? undefined
  } catch (error) {
    throw asSaldoError(error)
  }
}

async function readHeads(pool: Pool): Promise<Heads> {
  const { rows } = await pool.query<{ name: TopicName; partition: number; next_offset: bigint }>({
    name: 'log-heads',
    text: 'SELECT t.name, h.partition, h.next_offset FROM log_heads h JOIN log_topics t USING (topic_id)',
  })
  return new Map(
    rows.map(({ name: topic, partition, next_offset }) => [
      placeKey({ topic, partition }),
      next_offset,
    ]),
  )
}
