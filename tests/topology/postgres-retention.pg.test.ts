import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { migrate } from '../../sink/migrations/migrate.ts'
import type { Log } from '../../topology/log/log.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { postgresRetention } from '../../topology/log/postgres-retention.ts'
import type { Retention, RetentionRule } from '../../topology/log/retention.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { groupPlace, place, readAll, record, texts } from '../contracts/log-records.ts'
import { CLEAN, commands, engineOn, judged } from '../support/damaged-run.ts'
import { describePostgres } from '../support/postgres.ts'

const PARTITIONS = 2
const HOUR_MS = 3_600_000
/** A turn as soon as there is something, and nothing is too young. */
const atOnce = { olderThanMs: 0, segmentMs: 0, segmentBytes: 0 }
const ofCommands: RetentionRule = { ...atOnce, topics: ['ledger.commands'], groups: ['group'] }
const ofAnswers = (...readTo: readonly bigint[]): RetentionRule => ({
  ...atOnce,
  topics: ['ledger.outcomes', 'ledger.dead-letters'],
  readTo,
})

describePostgres('retention', (database) => {
  let admin: pg.Client
  let log: Log
  let retention: Retention

  beforeAll(async () => {
    admin = new pg.Client(database.url)
    await admin.connect()
  })
  afterAll(() => admin.end())
  beforeEach(async () => {
    await admin.query(
      'TRUNCATE log_topics, log_heads, log_records, log_segments, log_groups, log_producers CASCADE',
    )
    log = await postgresLog({ url: database.url, partitions: PARTITIONS, role: 'test' })
    retention = postgresRetention(database.url, 'test')
  })
  afterEach(async () => {
    await retention.close()
    await log.close()
  })

  const append = (text: string, topic: 'ledger.commands' | 'ledger.outcomes', partition = 0) =>
    log.producer().append([record(text, topic, partition)])
  const startOf = (topic: 'ledger.commands' | 'ledger.outcomes', partition = 0) =>
    log.start(place(topic, partition))
  async function readTo(offset: bigint, partition = 0, group = 'group'): Promise<void> {
    const lease = await log.acquire(groupPlace(partition, group))
    await lease.commit([], offset)
    await lease.release()
  }
  /** Rows in the tables themselves, whatever the start says. */
  async function stored(topic: string): Promise<number> {
    const { rows } = await admin.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${topic}`,
    )
    return rows[0]?.count ?? -1
  }

  test('commands go once every group has passed them, and no sooner', async () => {
    const ofBoth = { ...ofCommands, groups: ['group', 'a-slow-group'] }
    await append('a', 'ledger.commands')
    await append('b', 'ledger.commands', 1)
    expect(await retention.sweep([ofBoth])).toEqual([])
    expect(await retention.sweep([ofBoth])).toEqual([])
    expect(await startOf('ledger.commands')).toBe(0n)

    await readTo(1n)
    await readTo(1n, 1)
    await readTo(1n, 0, 'a-slow-group')
    await readTo(0n, 1, 'a-slow-group')
    expect(await retention.sweep([ofBoth])).toEqual([])
    expect(await stored('log_ledger_commands')).toBe(2)

    await readTo(1n, 1, 'a-slow-group')
    expect(await retention.sweep([ofBoth])).toEqual([{ topic: 'ledger.commands', segments: 1 }])
    expect(await stored('log_ledger_commands')).toBe(0)
    expect([await startOf('ledger.commands'), await startOf('ledger.commands', 1)]).toEqual([
      1n,
      1n,
    ])
  })

  test('commands that a group has passed stay as long as another reader may need them', async () => {
    const also = (...readTo: readonly bigint[]) => ({ ...ofCommands, readTo })
    for (const text of ['a', 'b']) await append(text, 'ledger.commands')
    await readTo(2n)
    await retention.sweep([also(1n, 0n)])
    expect(await retention.sweep([also(1n, 0n)])).toEqual([])
    expect(await stored('log_ledger_commands')).toBe(2)
    expect(await retention.sweep([also(2n, 0n)])).toEqual([
      { topic: 'ledger.commands', segments: 1 },
    ])
  })

  test('a partition that stands still keeps its commands, and the segment grows instead', async () => {
    for (let turn = 1n; turn <= 7n; turn++) {
      await append(`stays ${turn}`, 'ledger.commands')
      await append(`goes ${turn}`, 'ledger.commands', 1)
      await readTo(turn, 1)
      expect(await retention.sweep([ofCommands])).toEqual([])
    }
    expect(await readAll(log, place('ledger.commands'))).toHaveLength(7)
    await readTo(7n)
    expect(await retention.sweep([ofCommands])).toEqual([{ topic: 'ledger.commands', segments: 3 }])
    await retention.sweep([ofCommands])
    expect(await stored('log_ledger_commands')).toBe(0)
    expect(await startOf('ledger.commands')).toBe(7n)
  })

  test('parked commands go when all of a segment are done with, in every partition', async () => {
    const at = (partition: number) => place('ledger.parked', partition)
    const ofParked = (...readTo: readonly bigint[]): RetentionRule => ({
      ...atOnce,
      topics: ['ledger.parked'],
      readTo,
    })
    await log.producer().append([0, 0, 1].map((one) => record('waits', 'ledger.parked', one)))
    await retention.sweep([ofParked(0n, 0n)])
    await log.producer().append([record('behind', 'ledger.parked')])
    expect(await retention.sweep([ofParked(2n, 0n)])).toEqual([])
    expect(await retention.sweep([ofParked(1n, 1n)])).toEqual([])
    expect(await stored('log_ledger_parked')).toBe(4)
    expect(await retention.sweep([ofParked(2n, 1n)])).toEqual([
      { topic: 'ledger.parked', segments: 1 },
    ])
    expect(texts((await log.read(at(0), 2n, { records: 9, bytes: 99 })).records)).toEqual([
      'behind',
    ])
    expect([await log.start(at(0)), await log.start(at(1))]).toEqual([2n, 1n])
    expect(await stored('log_ledger_parked')).toBe(1)
  })

  test('an outcome that is younger than the retention stays', async () => {
    await append('a', 'ledger.outcomes')
    const rule = { ...ofAnswers(1n, 0n), olderThanMs: HOUR_MS }
    await retention.sweep([rule])
    await retention.sweep([rule])
    expect(texts(await readAll(log, place('ledger.outcomes')))).toEqual(['a'])
    await admin.query(`UPDATE log_segments SET closed_at = closed_at - interval '2 hours'`)
    await retention.sweep([rule])
    expect(await stored('log_ledger_outcomes')).toBe(0)
  })

  test('an outcome that its reader has not passed stays, however old', async () => {
    await append('a', 'ledger.outcomes')
    await append('b', 'ledger.outcomes', 1)
    await retention.sweep([ofAnswers(1n, 0n)])
    expect(await retention.sweep([ofAnswers(1n, 0n)])).toEqual([])
    expect(await retention.sweep([ofAnswers()])).toEqual([])
    expect(await stored('log_ledger_outcomes')).toBe(2)
    expect(await retention.sweep([ofAnswers(1n, 1n)])).not.toEqual([])
    expect(await stored('log_ledger_outcomes')).toBe(0)
  })

  test('outcomes and dead letters turn at one moment and go together', async () => {
    const letter = record('letter', 'ledger.dead-letters')
    await log.producer().append([record('outcome', 'ledger.outcomes'), letter])
    await retention.sweep([ofAnswers(1n, 0n)])
    await log.producer().append([letter])
    const removed = await retention.sweep([
      { ...ofAnswers(1n, 0n), segmentMs: HOUR_MS, segmentBytes: 1 << 30 },
    ])
    expect(removed).toEqual([
      { topic: 'ledger.outcomes', segments: 1 },
      { topic: 'ledger.dead-letters', segments: 1 },
    ])
    expect(await log.start(place('ledger.dead-letters'))).toBe(1n)
    expect(await stored('log_ledger_dead_letters')).toBe(1)
  })

  test('a segment is written on until it is old or large, and an empty one is never closed', async () => {
    const closed = () => stored('log_segments')
    const young = { ...ofCommands, segmentMs: HOUR_MS, segmentBytes: 100_000 }
    await retention.sweep([ofCommands])
    expect(await closed()).toBe(0)
    await append('small', 'ledger.commands')
    await retention.sweep([young])
    expect(await closed()).toBe(0)
    await append('x'.repeat(200_000), 'ledger.commands')
    await retention.sweep([young])
    expect(await closed()).toBe(PARTITIONS)
  })

  test('whoever reads an old segment is not waited for, and nobody waits behind it', async () => {
    await append('a', 'ledger.commands')
    await readTo(1n)
    await retention.sweep([ofCommands])
    await append('b', 'ledger.commands')
    await admin.query('BEGIN')
    await admin.query('SELECT FROM log_ledger_commands')
    expect(await retention.sweep([ofCommands])).toEqual([])
    await append('c', 'ledger.commands')
    expect(
      texts((await log.read(place('ledger.commands'), 1n, { records: 9, bytes: 99 })).records),
    ).toEqual(['b', 'c'])
    await admin.query('COMMIT')
    expect(await retention.sweep([ofCommands])).toEqual([{ topic: 'ledger.commands', segments: 1 }])
  })

  test('the oldest unread command of a group is told by its age in the log', async () => {
    await append('read', 'ledger.commands')
    await append('unread', 'ledger.commands')
    await admin.query(
      'UPDATE log_records SET appended_at_ms = appended_at_ms - 3600000 * (2 - "offset")',
    )
    await readTo(1n)
    const ages = await retention.unreadMs('group')
    const [unread = 0, none] = [0, 1].map((n) => ages.get(n))
    expect(Math.round(unread / HOUR_MS)).toBe(1)
    expect(none).toBe(0)
    expect(Math.round(((await retention.unreadMs('nobody')).get(0) ?? 0) / HOUR_MS)).toBe(2)
  })

  test('the migration goes back and forth and keeps what the log holds', async () => {
    for (const text of ['a', 'b', 'c']) {
      await append(text, 'ledger.outcomes')
      await retention.sweep([ofAnswers()])
    }
    await log.producer().append([record('event'), record('waits', 'ledger.parked')])
    await migrate(admin, { to: 4 })
    const { rows } = await admin.query<{ value: Buffer }>(
      'SELECT value FROM log_records ORDER BY topic_id, "offset"',
    )
    expect(rows.map(({ value }) => value.toString())).toEqual(['event', 'a', 'b', 'c', 'waits'])
    await admin.query(
      `SELECT log_insert(ARRAY[3]::smallint[], ARRAY[0], ARRAY[0], ARRAY['k'::bytea], ARRAY['d'::bytea])`,
    )
    await migrate(admin)
    expect(texts(await readAll(log, place('ledger.outcomes')))).toEqual(['a', 'b', 'c', 'd'])
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['event'])
    expect(texts(await readAll(log, place('ledger.parked')))).toEqual(['waits'])
  })
})

describePostgres('after retention', (database) => {
  test('an engine goes on, and verify finds nothing', async () => {
    const retention = postgresRetention(database.url, 'test')
    const run = async (from: number, to: number): Promise<void> => {
      const engine = await engineOn(database.url, { batchRecords: 20 })
      await engine.send(commands.slice(from, to))
      await engine.sendRecords([
        {
          topic: 'ledger.commands',
          partition: 0,
          key: Buffer.from('user-1'),
          value: Buffer.from('not avro'),
        },
      ])
      await engine.settled()
      const ends = [0, 1].map((partition) => engine.log.end(place('ledger.outcomes', partition)))
      const rules = [
        { ...ofCommands, groups: [ACTOR_GROUP] },
        ofAnswers(...(await Promise.all(ends))),
      ]
      await engine.stop()
      expect(await judged(database.url)).toMatchObject(CLEAN)
      await retention.sweep(rules)
      await retention.sweep(rules)
      expect(await judged(database.url)).toMatchObject({ ...CLEAN, outcomes: 0 })
    }
    await run(0, 200)
    // The start of every reader: its progress stands where the log begins.
    await run(200, 400)
    await run(400, 600)
    await retention.close()
  })
})
