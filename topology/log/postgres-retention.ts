/** Retention on PostgreSQL: rings of segment tables (sink/migrations/005-segments), emptied by TRUNCATE, never by DELETE. */
import type { Pool } from 'pg'
import { topics, type TopicName } from '../../schemas/topics.ts'
import { asSaldoError, openPool } from '../../sink/postgres/pool.ts'
import type { Removed, Retention, RetentionRule } from './retention.ts'

/** A lock was not to be had within the time that readers may be made to wait: the next turn tries again. */
const LOCK_NOT_AVAILABLE = '55P03'

export function postgresRetention(url: string, role: string, shared?: Pool): Retention {
  const pool = shared ?? openPool(url, { role, max: 1 })
  return {
    async sweep(rules) {
      const removed: Removed[] = []
      for (const rule of rules) {
        const segments = await sweepOne(pool, rule)
        if (segments > 0) removed.push(...rule.topics.map((topic) => ({ topic, segments })))
      }
      return removed
    },
    async unreadMs(group) {
      const { rows } = await query<{ partition: number; ms: number }>(
        pool,
        `SELECT h.partition, coalesce(greatest(0, extract(epoch FROM clock_timestamp()) * 1000 - c.appended_at_ms), 0)::float8 AS ms
         FROM log_heads h
         LEFT JOIN log_groups g ON g.topic_id = h.topic_id AND g.partition = h.partition AND g.group_name = $1
         LEFT JOIN log_ledger_commands c ON c.topic_id = h.topic_id AND c.partition = h.partition
           AND c."offset" = greatest(g.next_offset, h.start_offset)
         WHERE h.topic_id = $2`,
        [group, topics['ledger.commands'].topicId],
      )
      return new Map(rows.map(({ partition, ms }) => [partition, ms]))
    },
    close: () => (shared === undefined ? pool.end() : Promise.resolve()),
  }
}

/** Segments emptied per topic of the rule. Each is a short transaction of its own. */
async function sweepOne(pool: Pool, rule: RetentionRule): Promise<number> {
  const together = rule.topics.map((topic) => topics[topic].topicId)
  const readTo = await boundsOf(pool, rule)
  let segments = 0
  try {
    while (await truncated(pool, together, rule.olderThanMs, readTo)) segments++
    await query(pool, 'SELECT log_rotate($1, $2, $3)', [
      together,
      rule.segmentMs,
      rule.segmentBytes,
    ])
  } catch (error) {
    if (!isLockTimeout(error)) throw error
  }
  return segments
}

async function truncated(
  pool: Pool,
  together: readonly number[],
  olderThanMs: number,
  readTo: readonly bigint[],
): Promise<boolean> {
  const { rows } = await query<{ tables: number }>(
    pool,
    'SELECT log_truncate($1, $2, $3) AS tables',
    [together, olderThanMs, readTo.map(String)],
  )
  return (rows[0]?.tables ?? 0) > 0
}

/** By partition what every reader has passed. */
async function boundsOf(
  pool: Pool,
  { topics: [topic], groups, readTo }: RetentionRule,
): Promise<readonly bigint[]> {
  if (groups === undefined) return readTo ?? []
  const passed = await groupsReadTo(pool, topic, groups)
  return readTo === undefined
    ? passed
    : passed.map((offset, partition) => lesser(offset, readTo[partition] ?? 0n))
}

function lesser(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

/** 0 in a partition that one of the groups has not begun. */
async function groupsReadTo(
  pool: Pool,
  topic: TopicName,
  groups: readonly string[],
): Promise<readonly bigint[]> {
  const { rows } = await query<{ read_to: bigint }>(
    pool,
    `SELECT coalesce(min(coalesce(g.next_offset, 0)), 0) AS read_to FROM log_heads h
     LEFT JOIN unnest($2::text[]) AS u (group_name) ON true
     LEFT JOIN log_groups g ON g.topic_id = h.topic_id AND g.partition = h.partition AND g.group_name = u.group_name
     WHERE h.topic_id = $1 GROUP BY h.partition ORDER BY h.partition`,
    [topics[topic].topicId, groups],
  )
  return rows.map(({ read_to }) => read_to)
}

async function query<Row extends object>(
  pool: Pool,
  text: string,
  values: readonly unknown[],
): Promise<{ readonly rows: readonly Row[] }> {
  try {
    return await pool.query<Row>(text, [...values])
  } catch (error) {
    if (isLockTimeout(error)) throw error
    throw asSaldoError(error)
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE
}
