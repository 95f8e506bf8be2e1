import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Log } from '../../topology/log/log.ts'
import { recordArrays } from '../../topology/log/postgres-arrays.ts'
import { postgresRetention } from '../../topology/log/postgres-retention.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import {
  codeOf,
  groupPlace,
  LOG_PARTITIONS,
  place,
  readAll,
  record,
  texts,
} from '../contracts/log-records.ts'
import { describeLogContract } from '../contracts/log.contract.ts'
import { cuttable, type Cuttable } from '../support/cuttable-connection.ts'
import { describePostgres } from '../support/postgres.ts'

const never = new AbortController().signal
const EVENTS_HEAD = 'SELECT FROM log_heads WHERE topic_id = 2 AND partition = 0 FOR UPDATE'

describePostgres('the log', (database) => {
  let admin: pg.Client
  let way: Cuttable
  let log: Log

  beforeAll(async () => {
    admin = new pg.Client(database.url)
    await admin.connect()
    way = await cuttable(database.url)
  })
  afterAll(async () => {
    await way.close()
    await admin.end()
  })

  const openedAt = (url: string, partitions = LOG_PARTITIONS): Promise<Log> =>
    postgresLog({ url, partitions, role: 'test' })

  async function emptied(): Promise<void> {
    await admin.query(
      'TRUNCATE log_topics, log_heads, log_records, log_segments, log_groups, log_producers CASCADE',
    )
  }

  /** Asks until it is so: the test waits for the server, not for a time. */
  async function until(sql: string): Promise<void> {
    while ((await admin.query<{ yes: boolean }>(`SELECT (${sql}) AS yes`)).rows[0]?.yes !== true);
  }

  const committedTo = (offset: bigint): Promise<void> =>
    until(`SELECT max(next_offset) = ${offset} FROM log_groups`)

  describeLogContract('keeps what every log promises', async () => {
    await emptied()
    const contractLog = await openedAt(way.url)
    return {
      log: contractLog,
      reopen: (partitions) => openedAt(database.url, partitions),
      async loseAnswer(_lease, when, commit) {
        way.swallow(when === 'after' ? 'answers' : 'requests')
        const committing = commit()
        if (when === 'after') await committedTo(2n)
        way.cut()
        await committing
      },
      async remove(topic) {
        const rule = {
          topics: [topic, 'ledger.dead-letters'],
          segmentMs: 0,
          segmentBytes: 0,
        } as const
        const ends = Array.from({ length: LOG_PARTITIONS }, (_, partition) =>
          contractLog.end(place(topic, partition)),
        )
        const retention = postgresRetention(database.url, 'test')
        const gone = { ...rule, olderThanMs: 0, readTo: await Promise.all(ends) }
        await retention.sweep([gone])
        await retention.sweep([{ ...gone, segmentMs: 3_600_000, segmentBytes: 1 << 30 }])
        await retention.close()
      },
      close: () => contractLog.close(),
    }
  })

  beforeEach(async () => {
    await emptied()
    log = await openedAt(way.url)
  })
  afterEach(() => log.close())

  /** An owner whose commit has the lock of its group and waits for another one. */
  async function stuckCommit(): Promise<{ readonly code: Promise<string> }> {
    const old = await log.acquire(groupPlace())
    await old.commit([record('before')], 1n)
    await admin.query('BEGIN')
    await admin.query(EVENTS_HEAD)
    const code = codeOf(old.commit([record('stuck')], 2n))
    await until(
      `SELECT count(*) > 0 FROM log_groups g JOIN pg_stat_activity a ON a.pid = g.owner_pid
       WHERE a.wait_event_type = 'Lock'`,
    )
    return { code }
  }

  test('an owner that hangs in its commit is ended by whoever takes over, and blocks nobody', async () => {
    const { code } = await stuckCommit()
    const next = await log.acquire(groupPlace())
    expect(next.committed).toBe(1n)
    expect(await code).toBe('SALDO_COMMIT_IN_DOUBT')
    await admin.query('ROLLBACK')
    await next.commit([record('after')], 2n)
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['before', 'after'])
  })

  test('a backend that ends before the commit leaves it in doubt, and it did not happen', async () => {
    const { code } = await stuckCommit()
    await admin.query('SELECT pg_terminate_backend(owner_pid) FROM log_groups')
    expect(await code).toBe('SALDO_COMMIT_IN_DOUBT')
    await admin.query('ROLLBACK')
    expect((await log.acquire(groupPlace())).committed).toBe(1n)
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['before'])
  })

  test('a backend that ends after the commit leaves it in doubt, and it did happen', async () => {
    const old = await log.acquire(groupPlace())
    way.swallow('answers')
    const code = codeOf(old.commit([record('done')], 1n))
    await committedTo(1n)
    await admin.query('SELECT pg_terminate_backend(owner_pid) FROM log_groups')
    way.cut()
    expect(await code).toBe('SALDO_COMMIT_IN_DOUBT')
    expect((await log.acquire(groupPlace())).committed).toBe(1n)
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['done'])
  })

  test('an owner whose connection lives is fenced by the epoch alone', async () => {
    const old = await log.acquire(groupPlace())
    await admin.query('UPDATE log_groups SET epoch = epoch + 1')
    expect(await codeOf(old.commit([record('late')], 1n))).toBe('SALDO_LEASE_FENCED')
    expect(old.lost.aborted).toBe(true)
    expect(await readAll(log, place('ledger.events'))).toEqual([])
    expect((await log.acquire(groupPlace())).committed).toBeUndefined()
  })

  test('an owner that is replaced is told at once, without a commit', async () => {
    const old = await log.acquire(groupPlace())
    const lost = new Promise((resolve) => {
      old.lost.addEventListener('abort', resolve)
    })
    await log.acquire(groupPlace())
    await lost
    expect(await codeOf(old.commit([record('late')], 1n))).toBe('SALDO_LEASE_FENCED')
  })

  test('a connection that was used for something else since is not ended by a take-over', async () => {
    await admin.query(`INSERT INTO log_groups (group_name, topic_id, partition, owner_pid, owner_started)
      VALUES ('group', 1, 0, pg_backend_pid(), now() - interval '1 day')`)
    await log.acquire(groupPlace())
    expect((await admin.query('SELECT 1')).rowCount).toBe(1)
  })

  test('an append whose answer was lost is repeated and stored once', async () => {
    const producer = log.producer()
    await producer.append([record('first')])
    way.swallow('answers')
    const appending = producer.append([record('second')])
    await until('SELECT next_offset = 2 FROM log_heads WHERE topic_id = 2 AND partition = 0')
    way.cut()
    await appending
    await producer.append([record('third')])
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['first', 'second', 'third'])
  })

  test('a producer that may retry gets through when the server is back, and stores once', async () => {
    const producer = log.producer({ retryForMs: 60_000 })
    way.refuse()
    const appending = producer.append([record('patient')])
    await expect(log.producer().append([record('hasty')])).rejects.toMatchObject({
      code: 'SALDO_DATABASE_UNAVAILABLE',
      retryable: true,
    })
    way.accept()
    await appending
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['patient'])
  })

  test('without a number of partitions the log is taken as it is, and none is made', async () => {
    const found = await postgresLog({ url: database.url, role: 'test' })
    expect(found.partitions).toBe(LOG_PARTITIONS)
    await found.close()
    await emptied()
    const unmigrated = new URL(database.url)
    unmigrated.pathname = '/postgres'
    for (const url of [database.url, unmigrated.href]) {
      await expect(postgresLog({ url, role: 'test' })).rejects.toMatchObject({
        code: 'SALDO_LOG_MISMATCH',
        message: expect.stringContaining('start the engine on it once'),
      })
    }
    expect((await admin.query('SELECT FROM log_topics')).rowCount).toBe(0)
  })

  test('one read gives all that its limit allows, few records or many, small or large', async () => {
    const at = place('ledger.events')
    const producer = log.producer()
    const limit = { records: 1000, bytes: 1_000_000 }
    let position = 0n
    for (const [records, bytes] of [
      [1, 10],
      [32, 10],
      [33, 10],
      [200, 10],
      [2, 10],
      [3, 40_000],
      [1, 100_000],
    ] as const) {
      const sent = Array.from({ length: records }, (_, n) => `${n} ${'x'.repeat(bytes)}`)
      await producer.append(sent.map((text) => record(text)))
      const slice = await log.read(at, position, limit)
      expect(texts(slice.records)).toEqual(sent)
      expect(slice.next).toBe(position + BigInt(records))
      expect(slice.end).toBe(slice.next)
      position = slice.next
    }
  })

  test('an append is announced to other processes after it is there', async () => {
    const listener = new pg.Client(database.url)
    await listener.connect()
    const heard = new Promise((resolve) => {
      listener.on('notification', ({ payload }) => resolve(payload))
    })
    await listener.query('LISTEN saldo_log')
    await log.producer().append([record('a', 'ledger.commands', 3)])
    expect(await heard).toBe('1:3')
    await listener.end()
  })

  test('a poll finds what no notification told of', async () => {
    const at = place('ledger.events')
    const arrived = log.arrival(at, 0n, never)
    const values = ['00000000-0000-4000-8000-000000000000', 1, ...recordArrays([record('silent')])]
    await admin.query('SELECT log_append($1, $2, $3, $4, $5, $6, $7)', values)
    await arrived
    expect(texts(await readAll(log, at))).toEqual(['silent'])
  })

  test('a lost connection for notifications is replaced, and meanwhile the poll goes on', async () => {
    const listening = "application_name LIKE '%:test-wake' AND datname = current_database()"
    const { rows } = await admin.query<{ pid: number }>(
      `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${listening}`,
    )
    const arrived = log.arrival(place('ledger.events'), 0n, never)
    await log.producer().append([record('a')])
    await arrived
    const gone = rows.map(({ pid }) => pid).join()
    await until(
      `SELECT count(*) > 0 FROM pg_stat_activity WHERE ${listening} AND pid NOT IN (${gone})`,
    )
  })

  test('offsets have no gaps in any partition, whoever appends and commits at once', async () => {
    const lease = await log.acquire(groupPlace(0))
    const append = async (): Promise<void> => {
      const producer = log.producer()
      for (let n = 0; n < 20; n++) {
        await producer.append([record('a'), record('b', 'ledger.events', 1), record('c')])
      }
    }
    const commit = async (): Promise<void> => {
      for (let n = 1; n <= 20; n++) {
        await lease.commit([record('d', 'ledger.events', 1), record('e')], BigInt(n))
      }
    }
    await Promise.all([append(), commit(), append(), append()])
    for (const [partition, count] of [140, 80].entries()) {
      const offsets = (await readAll(log, place('ledger.events', partition))).map((r) => r.offset)
      expect(offsets).toEqual(Array.from({ length: count }, (_, n) => BigInt(n)))
      expect(await log.end(place('ledger.events', partition))).toBe(BigInt(count))
    }
  })

  test('a start with more partitions than the log has leaves no trace', async () => {
    expect(await codeOf(openedAt(database.url, 8))).toBe('SALDO_LOG_MISMATCH')
    const { rows } = await admin.query('SELECT max(partition) FROM log_heads')
    expect(rows).toEqual([{ max: 3 }])
  })
})
