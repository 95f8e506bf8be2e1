import type pg from 'pg'
import type { ClockStore } from './clock-store.ts'
import { CHECKPOINT_CONSUMER } from './postgres-checkpoint-store.ts'
import { asSaldoError, openPool } from './postgres/pool.ts'

const TASK = 'advance-time'

/** Jumps from user to user in the index: a ledger may have any number of rows. */
const ALL_LEDGERS = `
  WITH RECURSIVE walk (user_id, nth) AS (
    (SELECT user_id, 1 FROM actor_checkpoints WHERE user_id > $1 ORDER BY user_id LIMIT 1)
    UNION ALL
    SELECT (SELECT c.user_id FROM actor_checkpoints c WHERE c.user_id > walk.user_id ORDER BY c.user_id LIMIT 1), nth + 1
    FROM walk WHERE walk.user_id IS NOT NULL AND nth < $2
  ) SELECT walk.user_id, coalesce(p.time_zone = ANY ($3::text[]), true) AS here
  FROM walk LEFT JOIN profiles p USING (user_id) WHERE walk.user_id IS NOT NULL`

/** The next ones of each zone, through the index; together the next ones of all. */
const LEDGERS_IN_ZONES = `
  SELECT next.user_id, true AS here
  FROM unnest($3::text[]) AS z (time_zone)
  CROSS JOIN LATERAL (
    SELECT p.user_id FROM profiles p WHERE p.time_zone = z.time_zone AND p.user_id > $1 ORDER BY p.user_id LIMIT $2) AS next
  ORDER BY next.user_id LIMIT $2`

export function postgresClockStore(url: string, role: string, shared?: pg.Pool): ClockStore {
  const pool = shared ?? openPool(url, { role, max: 1 })
  return {
    async progress() {
      const [row] = await rowsOf<{ until_ms: bigint; after_user: string; finished: boolean }>(
        pool,
        'SELECT until_ms, after_user, finished FROM clock_progress WHERE task = $1',
        [TASK],
      )
      if (row === undefined) return undefined
      const { until_ms: until, after_user: afterUser, finished } = row
      return { until: Number(until), afterUser, finished }
    },
    async move({ until, afterUser, finished }) {
      await rowsOf(
        pool,
        `INSERT INTO clock_progress AS c (task, until_ms, after_user, finished) VALUES ($1, $2, $3, $4)
         ON CONFLICT (task) DO UPDATE SET until_ms = excluded.until_ms, after_user = excluded.after_user, finished = excluded.finished
         WHERE (c.until_ms, c.finished, c.after_user) < (excluded.until_ms, excluded.finished, excluded.after_user)`,
        [TASK, until, afterUser, finished],
      )
    },
    async timeZones() {
      // Jumps from zone to zone in the index.
      const rows = await rowsOf<{ time_zone: string }>(
        pool,
        `WITH RECURSIVE walk (time_zone) AS (
           SELECT min(time_zone) FROM profiles
           UNION ALL
           SELECT (SELECT min(p.time_zone) FROM profiles p WHERE p.time_zone > walk.time_zone)
           FROM walk WHERE walk.time_zone IS NOT NULL
         ) SELECT time_zone FROM walk WHERE time_zone IS NOT NULL`,
        [],
      )
      return rows.map(({ time_zone: timeZone }) => timeZone)
    },
    async ledgersAfter(userId, { zones, unset }, limit) {
      const rows = await rowsOf<{ user_id: string; told: boolean }>(
        pool,
        `SELECT looked.user_id, looked.here AND NOT EXISTS (
           SELECT FROM subject_keys k WHERE k.user_id = looked.user_id AND k.shredded_at IS NOT NULL) AS told
         FROM (${unset ? ALL_LEDGERS : LEDGERS_IN_ZONES}) AS looked ORDER BY looked.user_id`,
        [userId, limit, zones],
      )
      return {
        userIds: rows.filter(({ told }) => told).map(({ user_id: told }) => told),
        through: rows.length < limit ? undefined : rows.at(-1)?.user_id,
      }
    },
    async parkingsOf(userIds) {
      const rows = await rowsOf<{ user_id: string; event: Buffer | null; erased: boolean }>(
        pool,
        `SELECT u.user_id, last.event,
                EXISTS (SELECT FROM subject_keys k WHERE k.user_id = u.user_id AND k.shredded_at IS NOT NULL) AS erased
         FROM unnest($1::text[]) AS u (user_id)
         LEFT JOIN LATERAL (
           SELECT e.event FROM events e
           WHERE e.user_id = u.user_id AND e.aggregate_id = 'ledger' AND e.aggregate_type = 'ledger'
           ORDER BY e.version DESC LIMIT 1) AS last ON true`,
        [userIds],
      )
      return rows.map(({ user_id: userId, event, erased }) => ({ userId, event, erased }))
    },
    async readTo(consumers, partitions) {
      const rows = await rowsOf<{ read_to: bigint }>(
        pool,
        `SELECT coalesce(min(coalesce(p.next_offset, 0)), 0) AS read_to
         FROM generate_series(0, $2::int - 1) AS n (partition)
         CROSS JOIN unnest($1::text[]) AS c (consumer)
         LEFT JOIN progress p ON p.consumer = c.consumer AND p.partition = n.partition
         GROUP BY n.partition ORDER BY n.partition`,
        [consumers, partitions],
      )
      return rows.map(({ read_to }) => read_to)
    },
    async commandsDecided(partitions) {
      const rows = await rowsOf<{ decided: bigint }>(
        pool,
        `SELECT coalesce(p.commands_offset, 0) AS decided
         FROM generate_series(0, $2::int - 1) AS n (partition)
         LEFT JOIN progress p ON p.consumer = $1 AND p.partition = n.partition ORDER BY n.partition`,
        [CHECKPOINT_CONSUMER, partitions],
      )
      return rows.map(({ decided }) => decided)
    },
    close: () => (shared === undefined ? pool.end() : Promise.resolve()),
  }
}

async function rowsOf<Row extends object>(
  pool: pg.Pool,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  try {
    return (await pool.query<Row>(text, [...values])).rows
  } catch (error) {
    throw asSaldoError(error)
  }
}
