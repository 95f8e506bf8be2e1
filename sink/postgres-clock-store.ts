import type pg from 'pg'
import type { ClockStore } from './clock-store.ts'
import { asSaldoError, openPool } from './postgres/pool.ts'

const TASK = 'advance-time'

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
    async ledgersAfter(userId, limit) {
      // Jumps from user to user in the index: a ledger may have any number of rows.
      const rows = await rowsOf<{ user_id: string; erased: boolean }>(
        pool,
        `WITH RECURSIVE walk (user_id, nth) AS (
           (SELECT user_id, 1 FROM actor_checkpoints WHERE user_id > $1 ORDER BY user_id LIMIT 1)
           UNION ALL
           SELECT (SELECT c.user_id FROM actor_checkpoints c WHERE c.user_id > walk.user_id ORDER BY c.user_id LIMIT 1), nth + 1
           FROM walk WHERE walk.user_id IS NOT NULL AND nth < $2
         ) SELECT user_id, EXISTS (SELECT FROM subject_keys k WHERE k.user_id = walk.user_id AND k.shredded_at IS NOT NULL) AS erased
         FROM walk WHERE user_id IS NOT NULL`,
        [userId, limit],
      )
      return rows.map(({ user_id: userId, erased }) => ({ userId, erased }))
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
