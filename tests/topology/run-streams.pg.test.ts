/** The streams and the relay over a real log and a real outbox: what the tests in memory hold, once on PostgreSQL. */
import { join } from 'node:path'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventCodec } from '../../schemas/codec.ts'
import { migrate } from '../../sink/migrations/migrate.ts'
import type { OutboxRow } from '../../sink/outbox-store.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { postgresOutboxStore } from '../../sink/postgres-outbox-store.ts'
import type { Log, NewRecord } from '../../topology/log/log.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { postgresRetention } from '../../topology/log/postgres-retention.ts'
import { runRelay } from '../../topology/run-relay.ts'
import { runStreams, streams } from '../../topology/run-streams.ts'
import { codeOf, place, readAll } from '../contracts/log-records.ts'
import { arbitraryCommand } from '../support/arbitrary-commands.ts'
import { outboxRow } from '../support/outbox-rows.ts'
import { describePostgres } from '../support/postgres.ts'
import { sourcedEvents } from '../support/sourced-events.ts'

const commands = fc.sample(arbitraryCommand, { seed: 20_261_123, numRuns: 150 })
const events: readonly NewRecord[] = sourcedEvents(commands).map(({ item, value }) => ({
  topic: 'ledger.events',
  partition: 0,
  key: Buffer.from(item.userId),
  value,
}))
const expected = streams.map(({ valueOf }) =>
  events.flatMap(({ value }) => valueOf(eventCodec.decode(value))?.toString('hex') ?? []),
)

describePostgres('the streams and the relay', (database) => {
  let admin: pg.Client
  let log: Log

  beforeAll(async () => {
    admin = new pg.Client(database.url)
    await admin.connect()
  })
  afterAll(() => admin.end())
  beforeEach(async () => {
    await admin.query(
      'TRUNCATE log_topics, log_heads, log_records, log_segments, log_groups, log_producers, outbox CASCADE',
    )
    log = await postgresLog({ url: database.url, partitions: 1, role: 'test' })
  })
  afterEach(() => log.close())

  /** Streams until nothing is left; `after` is called when so many batches are committed. */
  function stream(commits = Infinity, after = (): void => {}): Promise<void> {
    const stop = new AbortController()
    let made = 0
    return runStreams(
      0,
      {
        log: {
          ...log,
          arrival() {
            stop.abort()
            return Promise.resolve()
          },
        },
        streams,
        limit: { records: 10, bytes: 1_000_000 },
        observe: {
          committed: () => {
            if (++made === commits) after()
          },
        },
      },
      stop.signal,
    )
  }

  const written = (): Promise<readonly (readonly string[])[]> =>
    Promise.all(
      streams.map(async ({ topic }) =>
        (await readAll(log, place(topic))).map(({ value }) => value.toString('hex')),
      ),
    )

  test('write every record once, also when an owner is replaced in the middle', async () => {
    await log.producer().append(events)
    const taken = Promise.withResolvers<void>()
    const first = codeOf(stream(3, () => taken.resolve()))
    await taken.promise
    await stream()
    // The first one learns of it from its connection, or from a commit that is refused or not answered.
    expect(['no error', 'SALDO_LEASE_FENCED', 'SALDO_COMMIT_IN_DOUBT']).toContain(await first)
    expect(await written()).toEqual(expected)
  })

  test('their topics leave by age, whoever has read them', async () => {
    await log.producer().append(events)
    await stream()
    const retention = postgresRetention(database.url, 'test')
    const rule = {
      topics: ['transactions.created', 'budgets.exceeded'],
      olderThanMs: 0,
      segmentMs: 0,
      segmentBytes: 0,
      readTo: [2n ** 63n - 1n],
    } as const
    expect(await retention.sweep([rule])).toEqual([])
    expect(await retention.sweep([rule])).toEqual([
      { topic: 'transactions.created', segments: 1 },
      { topic: 'budgets.exceeded', segments: 1 },
    ])
    expect(await log.start(place('transactions.created'))).toBe(BigInt(expected[0]?.length ?? -1))
    await retention.close()
  })

  async function insert(...rows: readonly OutboxRow[]): Promise<void> {
    for (const row of rows) {
      await admin.query(
        `INSERT INTO outbox (processor, partition, source_offset, "index", event_id, topic, event_type, aggregate_type, aggregate_id, user_id, payload)
         VALUES ($1, 0, $2, $3, $4, $5, 'BudgetExceeded', 'budget', 'b-1', $6, $7)`,
        [
          row.processor,
          row.sourceOffset,
          row.index,
          row.eventId,
          row.topic,
          row.userId,
          row.payload,
        ],
      )
    }
  }

  test('tell the outbox in the order of its causes, and note what became of each row', async () => {
    await insert(
      outboxRow(20, 'u-1'),
      outboxRow(3, 'u-1'),
      outboxRow(3, 'u-2', { processor: 'anomalies', index: 1 }),
      outboxRow(4, 'u-3', { payload: Buffer.from('?') }),
      outboxRow(5, 'u-3'),
    )
    const pool = openPool(database.url, { role: 'test', max: 1 })
    const store = postgresOutboxStore(pool)
    const stop = new AbortController()
    const waiting: number[] = []
    await runRelay(
      0,
      {
        log,
        store,
        now: () => 0,
        pause: () => {
          stop.abort()
          return Promise.resolve()
        },
        observe: {
          relayed: () => {},
          failed: () => {},
          waiting: (_, { rows, oldestMs }) => waiting.push(rows, Math.sign(oldestMs)),
        },
      },
      stop.signal,
    )
    const told = await readAll(log, place('budgets.exceeded'))
    expect(told.map(({ key }) => key.toString())).toEqual(['u-2', 'u-1', 'u-1'])
    expect(waiting).toEqual([2, 1])
    expect(await store.partitions()).toEqual(new Set([0]))
    await admin.query(
      `INSERT INTO outbox SELECT processor, 3, source_offset, "index", event_id, topic, event_type, aggregate_type, aggregate_id, user_id, payload
       FROM outbox WHERE source_offset = 4`,
    )
    expect(await store.partitions()).toEqual(new Set([0, 3]))
    await admin.query('DELETE FROM outbox WHERE partition = 3')
    const { rows } = await admin.query(
      'SELECT source_offset::int AS at, processed_at IS NOT NULL AS processed, attempts, last_error IS NOT NULL AS failed FROM outbox ORDER BY 1, processor',
    )
    expect(rows).toEqual([
      { at: 3, processed: true, attempts: 1, failed: false },
      { at: 3, processed: true, attempts: 1, failed: false },
      { at: 4, processed: false, attempts: 1, failed: true },
      { at: 5, processed: false, attempts: 0, failed: false },
      { at: 20, processed: true, attempts: 1, failed: false },
    ])
    // What waits is never forgotten, however old; what was told goes.
    await admin.query("UPDATE outbox SET created_at = now() - interval '1 year'")
    expect(await store.forget(0, 60_000)).toBe(0)
    expect(await store.forget(0, -60_000)).toBe(3)
    expect(await store.unprocessed(0, { exceptUsers: ['u-9'], limit: 1 })).toMatchObject([
      { sourceOffset: 4n, userId: 'u-3', attempts: 1 },
    ])
    expect(await store.unprocessed(0, { exceptUsers: ['u-3'], limit: 9 })).toEqual([])
    await pool.end()
  })

  test('go with their migration, and begin again after it', async () => {
    await log.producer().append(events.slice(0, 30))
    await stream()
    const before = await written()
    await log.close()
    const folder = join(import.meta.dirname, '..', '..', 'sink', 'migrations')
    const { rows } = await admin.query<{ version: number }>(
      "SELECT version FROM schema_migrations WHERE name LIKE '%public-topics%'",
    )
    const version = rows[0]?.version ?? 0
    await migrate(admin, { folder, to: version - 1 })
    await migrate(admin, { folder })
    log = await postgresLog({ url: database.url, partitions: 1, role: 'test' })
    expect(await written()).toEqual([[], [], []])
    await stream()
    expect(await written()).toEqual(before)
  })
})
