import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Membership } from '../../topology/leases.ts'
import { sqlLeases, type LeaseTiming } from '../../topology/sql-leases.ts'
import { describePostgres } from '../support/postgres.ts'

const PARTITIONS = 4
const often: LeaseTiming = { heartbeatMs: 10, missedAfterMs: 60_000 }

/** A member whose work goes on until it is told to stop, and what it worked on. */
type Worker = {
  readonly member: Membership
  readonly started: number[]
  readonly stopped: number[]
}

describePostgres('leases in SQL', (database) => {
  let admin: pg.Client
  const workers: Worker[] = []

  beforeAll(async () => {
    admin = new pg.Client(database.url)
    await admin.connect()
  })
  afterAll(() => admin.end())
  beforeEach(() => admin.query('TRUNCATE leases, members'))
  afterEach(() => Promise.all(workers.splice(0).map(({ member }) => member.leave())))

  function join(options: {
    readonly role: string
    readonly timing?: LeaseTiming
    readonly finish?: (partition: number) => Promise<void>
  }): Worker {
    const started: number[] = []
    const stopped: number[] = []
    const leases = sqlLeases(database.url, options.role, options.timing ?? often)
    const member = leases.join('group', PARTITIONS, async (partition, stop) => {
      started.push(partition)
      await new Promise<void>((resolve) => {
        stop.addEventListener('abort', () => resolve())
        if (stop.aborted) resolve()
      })
      await options.finish?.(partition)
      stopped.push(partition)
    })
    const worker = { member, started, stopped }
    workers.push(worker)
    return worker
  }

  /** Asks the database, which lets everything else go on, until it is so. */
  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await admin.query('SELECT')
  }

  const owns = ({ member }: Worker): readonly number[] =>
    [...member.owned()].toSorted((a, b) => a - b)
  const endConnectionOf = (role: string): Promise<unknown> =>
    admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name LIKE '%:' || $1 || '-member' AND datname = current_database()`,
      [role],
    )

  test('a member that is alone gets every partition', async () => {
    const alone = join({ role: 'a' })
    await until(() => owns(alone).length === PARTITIONS)
    expect(owns(alone)).toEqual([0, 1, 2, 3])
  })

  test('two members share by count; what is kept is not interrupted', async () => {
    const first = join({ role: 'a' })
    await until(() => owns(first).length === PARTITIONS)
    const second = join({ role: 'b' })
    await until(() => owns(first).length === 2 && owns(second).length === 2)
    expect([...owns(first), ...owns(second)].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
    expect(first.started).toHaveLength(PARTITIONS)
    expect(first.stopped).toHaveLength(2)
  })

  test('a third member of four partitions gets one, and a fifth none', async () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((role) => join({ role }))
    const counts = (): readonly number[] =>
      all.map((worker) => owns(worker).length).toSorted((a, b) => a - b)
    await until(() => counts().join() === '0,1,1,1,1')
    expect(new Set(all.flatMap(owns)).size).toBe(PARTITIONS)
  })

  test('what is given up is drained before somebody else gets it', async () => {
    const drained = Promise.withResolvers<void>()
    const first = join({ role: 'a', finish: () => drained.promise })
    await until(() => owns(first).length === PARTITIONS)
    const second = join({ role: 'b' })
    const { rows } = await admin.query<{ now: string }>('SELECT now()')
    await until(() => first.stopped.length === 0 && owns(second).length === 0)
    for (let beats = 0; beats < 3; beats++) await beat('group', rows[0]?.now ?? '')
    expect(owns(second)).toEqual([])
    drained.resolve()
    await until(() => owns(second).length === 2)
    expect(first.stopped).toHaveLength(2)
  })

  /** Waits until every member has had a heartbeat. */
  async function beat(group: string, after: string): Promise<void> {
    await admin.query('UPDATE members SET heartbeat_at = $1', [after])
    for (;;) {
      const { rows } = await admin.query<{ waiting: number; all: number }>(
        'SELECT count(*)::int AS all, (count(*) FILTER (WHERE heartbeat_at <= $1))::int AS waiting FROM members WHERE group_name = $2',
        [after, group],
      )
      if (rows[0]?.waiting === 0 && rows[0].all === 2) return
    }
  }

  test('a member that leaves drains and releases at once', async () => {
    const first = join({ role: 'a' })
    await until(() => owns(first).length === PARTITIONS)
    await first.member.leave()
    await first.member.ended
    expect([...first.stopped].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
    const { rows } = await admin.query(
      'SELECT (SELECT count(*)::int FROM leases WHERE owner IS NOT NULL) AS owned, (SELECT count(*)::int FROM members) AS members',
    )
    expect(rows).toEqual([{ owned: 0, members: 0 }])
  })

  test('a member whose connection ended is taken over without waiting for a heartbeat', async () => {
    const dead = join({
      role: 'dead',
      timing: { heartbeatMs: 3_600_000, missedAfterMs: 3_600_000 },
    })
    await until(() => owns(dead).length === PARTITIONS)
    await endConnectionOf('dead')
    const heir = join({ role: 'b' })
    await until(() => owns(heir).length === PARTITIONS)
  })

  test('a member that missed its heartbeat is taken over, though its connection lives', async () => {
    const silent = join({ role: 'silent', timing: { ...often, heartbeatMs: 3_600_000 } })
    await until(() => owns(silent).length === PARTITIONS)
    await admin.query("UPDATE members SET heartbeat_at = now() - interval '1 hour'")
    const heir = join({ role: 'b' })
    await until(() => owns(heir).length === PARTITIONS)
  })

  test('a member that lost its connection comes back, and stops what went to another one', async () => {
    const first = join({ role: 'a' })
    await until(() => owns(first).length === PARTITIONS)
    await endConnectionOf('a')
    const second = join({ role: 'b' })
    await until(() => owns(first).length === 2 && owns(second).length === 2)
    await endConnectionOf('a')
    await until(() => owns(first).length === 2 && owns(second).length === 2)
    expect(new Set([...owns(first), ...owns(second)]).size).toBe(PARTITIONS)
  })

  test('work that fails ends the membership with its error, after the other partitions are drained', async () => {
    let calls = 0
    const stopped: number[] = []
    const leases = sqlLeases(database.url, 'failing', often)
    const member = leases.join('group', PARTITIONS, async (partition, stop) => {
      calls++
      if (partition === 2) throw new Error('cannot go on')
      await new Promise((resolve) => {
        stop.addEventListener('abort', resolve)
      })
      stopped.push(partition)
    })
    await expect(member.ended).rejects.toThrow('cannot go on')
    await until(() => stopped.length === PARTITIONS - 1)
    await member.leave()
    expect(stopped.toSorted((a, b) => a - b)).toEqual([0, 1, 3])
    expect(calls).toBe(PARTITIONS)
    expect(member.owned()).toEqual([])
  })

  test('groups do not share their partitions', async () => {
    const first = join({ role: 'a' })
    const other = sqlLeases(database.url, 'b', often).join('other', 1, (_partition, stop) => {
      return new Promise((resolve) => {
        stop.addEventListener('abort', () => resolve())
      })
    })
    await until(() => owns(first).length === PARTITIONS && other.owned().length === 1)
    await other.leave()
  })
})
