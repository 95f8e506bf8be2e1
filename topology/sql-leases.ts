/**
 * Assignment in SQL: `members` has a heartbeat per process and group, `leases` an owner per partition.
 *
 * Sticky, balanced by count, released at once on drain, taken over when the owner's connection is gone or its
 * heartbeat is missed. No group protocol and no rebalance that stops everybody.
 */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { connect, type Connection } from '../sink/postgres/connection.ts'
import type { Leases, Membership, PartitionWork } from './leases.ts'

export type LeaseTiming = { readonly heartbeatMs: number; readonly missedAfterMs: number }

const defaultTiming: LeaseTiming = { heartbeatMs: 500, missedAfterMs: 5000 }

export function sqlLeases(url: string, role: string, timing: LeaseTiming = defaultTiming): Leases {
  return {
    join: (group, partitions, work) => new Member(url, role, timing, group, partitions, work),
  }
}

type Work = { readonly stop: AbortController; readonly done: Promise<void> }

class Member implements Membership {
  readonly ended: Promise<void>
  readonly #memberId = randomUUID()
  readonly #url: string
  readonly #role: string
  readonly #timing: LeaseTiming
  readonly #group: string
  readonly #partitions: number
  readonly #work: PartitionWork
  readonly #running = new Map<number, Work>()
  readonly #leaving = new AbortController()
  readonly #end = Promise.withResolvers<void>()
  readonly #left: Promise<void>
  #connection: Connection | undefined
  #lastBeat = performance.now()
  #turn: Promise<void> = Promise.resolve()
  #wake: () => void = () => undefined

  constructor(
    url: string,
    role: string,
    timing: LeaseTiming,
    group: string,
    partitions: number,
    work: PartitionWork,
  ) {
    this.#url = url
    this.#role = role
    this.#timing = timing
    this.#group = group
    this.#partitions = partitions
    this.#work = work
    this.ended = this.#end.promise
    this.ended.catch(() => undefined)
    this.#left = this.#loop()
    this.#left.then(this.#end.resolve, this.#end.reject)
  }

  owned(): readonly number[] {
    return [...this.#running.keys()]
  }

  async leave(): Promise<void> {
    this.#leaving.abort()
    this.#wake()
    await this.#left.catch(() => undefined)
  }

  async #loop(): Promise<void> {
    while (!this.#leaving.signal.aborted) {
      try {
        await this.#exclusive(() => this.#beat())
      } catch {
        await this.#disconnect()
        // Somebody else counts us as gone by now; the log would fence us anyway.
        if (performance.now() - this.#lastBeat > this.#timing.missedAfterMs) this.#stopAll()
      }
      if (!this.#leaving.signal.aborted) await this.#pause()
    }
    this.#stopAll()
    await Promise.allSettled(Array.from(this.#running.values(), ({ done }) => done))
    await this.#connection?.client
      .query('DELETE FROM members WHERE member_id = $1', [this.#memberId])
      .catch(() => undefined)
    await this.#disconnect()
  }

  async #beat(): Promise<void> {
    this.#connection ??= await connect(this.#url, `${this.#role}-member`)
    const assigned = await assignment(this.#connection.client, {
      memberId: this.#memberId,
      group: this.#group,
      partitions: this.#partitions,
      missedAfterMs: this.#timing.missedAfterMs,
    })
    this.#lastBeat = performance.now()
    for (const [partition, { stop }] of this.#running) {
      if (!assigned.keep.includes(partition)) stop.abort()
    }
    for (const partition of assigned.keep) {
      if (!this.#running.has(partition)) this.#start(partition)
    }
  }

  #start(partition: number): void {
    const stop = new AbortController()
    const done = this.#work(partition, stop.signal)
      .catch((error: unknown) => {
        this.#end.reject(error)
        // Taking it again would fail again, at once and for ever: what cannot go on leaves the group.
        this.#leaving.abort()
      })
      .then(() => this.#release(partition))
    this.#running.set(partition, { stop, done })
  }

  async #release(partition: number): Promise<void> {
    this.#running.delete(partition)
    await this.#exclusive(async () => {
      await this.#connection?.client.query(
        'UPDATE leases SET owner = NULL WHERE group_name = $1 AND partition = $2 AND owner = $3',
        [this.#group, partition, this.#memberId],
      )
    }).catch(() => undefined)
    this.#wake()
  }

  /** One after the other on the connection: a release must not land inside the transaction of a heartbeat. */
  #exclusive(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  #stopAll(): void {
    for (const { stop } of this.#running.values()) stop.abort()
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.client.end().catch(() => undefined)
  }

  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, this.#timing.heartbeatMs)
    this.#wake = () => {
      clearTimeout(timer)
      resolve()
    }
    return promise
  }
}

type Beat = {
  readonly memberId: string
  readonly group: string
  readonly partitions: number
  readonly missedAfterMs: number
}

/** One heartbeat: counts the living, gives up what is too much, takes what is free. Members of a group take turns. */
async function assignment(
  client: pg.Client,
  beat: Beat,
): Promise<{ readonly keep: readonly number[] }> {
  await client.query('BEGIN')
  try {
    const keep = await assignmentInTransaction(client, beat)
    await client.query('COMMIT')
    return { keep }
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function assignmentInTransaction(client: pg.Client, beat: Beat): Promise<readonly number[]> {
  const { memberId, group, partitions, missedAfterMs } = beat
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended('saldo leases ' || $1, 0))", [
    group,
  ])
  await client.query(
    `INSERT INTO members AS m (member_id, group_name, backend_pid, backend_started)
     SELECT $1, $2, pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
     ON CONFLICT (member_id) DO UPDATE SET heartbeat_at = now(),
       backend_pid = excluded.backend_pid, backend_started = excluded.backend_started`,
    [memberId, group],
  )
  await client.query(
    `DELETE FROM members m WHERE group_name = $1 AND member_id <> $2 AND (
       heartbeat_at < now() - make_interval(secs => $3::float8 / 1000)
       OR NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = m.backend_pid AND a.backend_start = m.backend_started))`,
    [group, memberId, missedAfterMs],
  )
  await client.query(
    'INSERT INTO leases (group_name, partition) SELECT $1, generate_series(0, $2 - 1) ON CONFLICT DO NOTHING',
    [group, partitions],
  )
  await client.query(
    `UPDATE leases SET owner = NULL WHERE group_name = $1 AND owner IS NOT NULL
       AND owner NOT IN (SELECT member_id FROM members WHERE group_name = $1)`,
    [group],
  )
  const quota = await quotaOf(client, beat)
  const { rows } = await client.query<{ partition: number }>(
    'SELECT partition FROM leases WHERE group_name = $1 AND owner = $2 ORDER BY partition',
    [group, memberId],
  )
  const owned = rows.map(({ partition }) => partition)
  // What is too much is drained first and released after that; until then it stays ours.
  if (owned.length >= quota) return owned.slice(0, quota)
  const taken = await client.query<{ partition: number }>(
    `UPDATE leases SET owner = $2, epoch = epoch + 1 WHERE group_name = $1 AND partition IN (
       SELECT partition FROM leases WHERE group_name = $1 AND owner IS NULL ORDER BY partition LIMIT $3)
     RETURNING partition`,
    [group, memberId, quota - owned.length],
  )
  return [...owned, ...taken.rows.map(({ partition }) => partition)]
}

/** Everybody gets the same number, and the first few one more. */
async function quotaOf(client: pg.Client, { memberId, group, partitions }: Beat): Promise<number> {
  const { rows } = await client.query<{ members: number; before: number }>(
    `SELECT count(*)::int AS members, (count(*) FILTER (WHERE member_id < $2))::int AS before
     FROM members WHERE group_name = $1`,
    [group, memberId],
  )
  const { members, before } = rows[0] ?? { members: 1, before: 0 }
  return Math.floor(partitions / members) + (before < partitions % members ? 1 : 0)
}

/** Whether a process works for the group now. */
export async function hasLiveMember(client: pg.Client, group: string): Promise<boolean> {
  const { rows } = await client.query<{ live: boolean }>(
    `SELECT EXISTS (SELECT FROM members m JOIN pg_stat_activity a
       ON a.pid = m.backend_pid AND a.backend_start = m.backend_started WHERE m.group_name = $1) AS live`,
    [group],
  )
  return rows[0]?.live === true
}
