import type pg from 'pg'
import type { OutboxKey, OutboxStore } from './outbox-store.ts'
import { asSaldoError } from './postgres/pool.ts'

type StoredRow = {
  readonly processor: string
  readonly source_offset: bigint
  readonly index: number
  readonly event_id: string
  readonly topic: string
  readonly user_id: string
  readonly payload: Buffer
  readonly attempts: number
}

const FORGET_ROWS_MAX = 1000

const KEYS = `FROM unnest($2::text[], $3::bigint[], $4::int[]) AS k (processor, source_offset, "index")
  WHERE o.partition = $1 AND o.processor = k.processor AND o.source_offset = k.source_offset AND o."index" = k."index"
    AND o.processed_at IS NULL`

/** On a pool of somebody else, who ends it: a relay asks twice a second and has little to say. */
export function postgresOutboxStore(pool: pg.Pool): OutboxStore {
  return {
    async partitions() {
      // From one to the next in the index, however many rows wait.
      const rows = await rowsOf<{ partition: number }>(
        pool,
        `WITH RECURSIVE walk (partition) AS (
           SELECT min(partition) FROM outbox WHERE processed_at IS NULL
           UNION ALL
           SELECT (SELECT min(o.partition) FROM outbox o WHERE o.partition > walk.partition AND processed_at IS NULL)
           FROM walk WHERE walk.partition IS NOT NULL
         ) SELECT partition FROM walk WHERE partition IS NOT NULL`,
        [],
      )
      return new Set(rows.map(({ partition }) => partition))
    },
    async unprocessed(partition, { exceptUsers, limit }) {
      const rows = await rowsOf<StoredRow>(
        pool,
        `SELECT processor, source_offset, "index", event_id, topic, user_id, payload, attempts FROM outbox
         WHERE partition = $1 AND processed_at IS NULL AND user_id <> ALL ($2::text[])
         ORDER BY source_offset, processor, "index" LIMIT $3`,
        [partition, exceptUsers, limit],
      )
      return rows.map(
        ({ source_offset: sourceOffset, event_id: eventId, user_id: userId, ...row }) => ({
          ...row,
          sourceOffset,
          eventId,
          userId,
        }),
      )
    },
    async processed(partition, keys) {
      await rowsOf(
        pool,
        `UPDATE outbox o SET processed_at = now(), attempts = attempts + 1 ${KEYS}`,
        [partition, ...keyArrays(keys)],
      )
    },
    async failed(partition, keys, error) {
      await rowsOf(pool, `UPDATE outbox o SET attempts = attempts + 1, last_error = $5 ${KEYS}`, [
        partition,
        ...keyArrays(keys),
        error,
      ])
    },
    async waiting(partition) {
      const [row] = await rowsOf<{ rows: number; oldest_ms: number }>(
        pool,
        `SELECT count(*)::int AS rows, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000, 0)::float8 AS oldest_ms
         FROM outbox WHERE partition = $1 AND processed_at IS NULL`,
        [partition],
      )
      return { rows: row?.rows ?? 0, oldestMs: Math.max(0, row?.oldest_ms ?? 0) }
    },
    async forget(partition, olderThanMs) {
      const { rowCount } = await asked(
        pool,
        `DELETE FROM outbox WHERE (processor, partition, source_offset, "index") IN (
           SELECT processor, partition, source_offset, "index" FROM outbox
           WHERE processed_at < clock_timestamp() - $2 * interval '1 millisecond' AND partition = $1
           ORDER BY processed_at LIMIT ${FORGET_ROWS_MAX})`,
        [partition, olderThanMs],
      )
      return rowCount ?? 0
    },
  }
}

function keyArrays(keys: readonly OutboxKey[]): readonly unknown[] {
  return [
    keys.map(({ processor }) => processor),
    keys.map(({ sourceOffset }) => sourceOffset),
    keys.map(({ index }) => index),
  ]
}

async function rowsOf<Row extends object>(
  pool: pg.Pool,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  return (await asked<Row>(pool, text, values)).rows
}

async function asked<Row extends object>(
  pool: pg.Pool,
  text: string,
  values: readonly unknown[],
): Promise<pg.QueryResult<Row>> {
  try {
    return await pool.query<Row>(text, [...values])
  } catch (error) {
    throw asSaldoError(error)
  }
}
