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

const defaultTiming: LeaseTiming = { heartbeatMs: 1000, missedAfterMs: 5000 }

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
    const { rows } = await this.#connection.client.query<{ keep: readonly number[] }>(
      'SELECT lease_beat($1, $2, $3, $4) AS keep',
      [this.#memberId, this.#group, this.#partitions, this.#timing.missedAfterMs],
    )
    const keep = rows[0]?.keep ?? []
    this.#lastBeat = performance.now()
    for (const [partition, { stop }] of this.#running) {
      if (!keep.includes(partition)) stop.abort()
    }
    for (const partition of keep) {
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

  /** One after the other: pg wants one query at a time on a connection. */
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

/** Whether a process works for the group now. */
export async function hasLiveMember(client: pg.Client, group: string): Promise<boolean> {
  const { rows } = await client.query<{ live: boolean }>(
    `SELECT EXISTS (SELECT FROM members m JOIN pg_stat_activity a
       ON a.pid = m.backend_pid AND a.backend_start = m.backend_started WHERE m.group_name = $1) AS live`,
    [group],
  )
  return rows[0]?.live === true
}
