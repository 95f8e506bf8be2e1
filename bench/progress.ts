/** How far an engine has come, asked in one cheap query so that asking does not slow it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { ACTOR_GROUP } from '../topology/run-actors.ts'

const ASK_EVERY_MS = 25

/** When each part was done, as `performance.now()`. */
export type Milestones = {
  readonly owned: number
  readonly decided: number
  readonly tables: number
  readonly outcomes: number
  readonly checkpoint: number
}

type Standing = { readonly [Part in keyof Milestones]: boolean }

const STANDING = `
  SELECT (SELECT count(*) > 0 FROM leases WHERE group_name = $1 AND owner IS NOT NULL) AS owned,
         bool_and(coalesce(g.next_offset, 0) >= c.next_offset) AS decided,
         bool_and(coalesce(t.tables, 0) >= e.next_offset) AS tables,
         bool_and(coalesce(t.outcomes, 0) >= o.next_offset) AS outcomes,
         bool_and(coalesce(t.checkpoint, 0) >= e.next_offset) AS checkpoint
  FROM log_heads c
  JOIN log_heads e ON e.topic_id = 2 AND e.partition = c.partition
  JOIN log_heads o ON o.topic_id = 3 AND o.partition = c.partition
  LEFT JOIN log_groups g ON g.group_name = $1 AND g.topic_id = 1 AND g.partition = c.partition
  LEFT JOIN (
    SELECT partition,
           min(next_offset) FILTER (WHERE consumer LIKE 'tables:%' AND consumer <> 'tables:command-outcomes') AS tables,
           min(next_offset) FILTER (WHERE consumer = 'tables:command-outcomes') AS outcomes,
           min(next_offset) FILTER (WHERE consumer = 'actors:checkpoint') AS checkpoint
    FROM progress GROUP BY partition) t ON t.partition = c.partition
  WHERE c.topic_id = 1`

/** Resolves when everything in the commands is decided, in every table, and checkpointed. Rejects when the engine ends first. */
export async function milestones(pool: Pool, ended: Promise<unknown>): Promise<Milestones> {
  const at: { -readonly [Part in keyof Milestones]?: number } = {}
  let over = false
  const watch = ended.then(() => {
    over = true
  })
  watch.catch(() => undefined)
  for (;;) {
    const { rows } = await pool.query<Standing>({
      name: 'standing',
      text: STANDING,
      values: [ACTOR_GROUP],
    })
    const now = performance.now()
    const standing = rows[0]
    if (standing === undefined) throw new Error('an aggregate that returns no row')
    if (standing.owned) at.owned ??= now
    if (standing.decided) {
      at.decided ??= now
      // Only now do the ends of events and outcomes stand still.
      if (standing.tables) at.tables ??= now
      if (standing.outcomes) at.outcomes ??= now
      if (standing.checkpoint) at.checkpoint ??= now
    }
    const { owned, decided, tables, outcomes, checkpoint } = at
    if (
      owned !== undefined &&
      decided !== undefined &&
      tables !== undefined &&
      outcomes !== undefined &&
      checkpoint !== undefined
    ) {
      return { owned, decided, tables, outcomes, checkpoint }
    }
    if (over) throw new Error('the engine ended before it was done')
    await Promise.race([delay(ASK_EVERY_MS), watch])
  }
}
