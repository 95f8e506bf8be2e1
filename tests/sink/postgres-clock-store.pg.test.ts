import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { waitUntilProcessed } from '../../cli/wait-until-processed.ts'
import type { ClockStore } from '../../sink/clock-store.ts'
import { postgresClockStore } from '../../sink/postgres-clock-store.ts'
import { postgresRetention } from '../../topology/log/postgres-retention.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { runClock } from '../../topology/run-clock.ts'
import { CLEAN, commands, engineOn, judged } from '../support/damaged-run.ts'
import { describePostgres } from '../support/postgres.ts'

const everywhere = { zones: ['UTC'], unset: true }

describePostgres('the clock store', (database) => {
  let admin: pg.Client
  let store: ClockStore
  beforeAll(async () => {
    admin = new pg.Client(database.url)
    await admin.connect()
    store = postgresClockStore(database.url, 'test')
  })
  afterEach(() =>
    admin.query('TRUNCATE actor_checkpoints, subject_keys, profiles, progress, clock_progress'),
  )
  afterAll(async () => {
    await store.close()
    await admin.end()
  })

  test('walks over ledgers, each once, and leaves out those that are erased', async () => {
    await admin.query(
      `INSERT INTO actor_checkpoints (user_id, state_type, state_id, sequence, version, state)
       SELECT 'user-' || u, 'transaction', t::text, 1, 1, '' FROM generate_series(1, 5) u, generate_series(1, 20) t`,
    )
    await admin.query(
      `INSERT INTO subject_keys (user_id, wrapped, shredded_at) VALUES ('user-2', NULL, now()), ('user-3', 'k', NULL)`,
    )
    expect(await store.ledgersAfter('', everywhere, 3)).toEqual({
      userIds: ['user-1', 'user-3'],
      through: 'user-3',
    })
    expect(await store.ledgersAfter('user-3', everywhere, 3)).toEqual({
      userIds: ['user-4', 'user-5'],
      through: undefined,
    })
    expect(await store.ledgersAfter('user-5', everywhere, 3)).toEqual({
      userIds: [],
      through: undefined,
    })
  })

  test('finds the ledgers of a zone, and those that have none, in the order of their ids', async () => {
    await admin.query(
      `INSERT INTO actor_checkpoints (user_id, state_type, state_id, sequence, version, state)
       SELECT 'user-' || u, 'root', 'root', 1, 1, '' FROM generate_series(1, 9) u`,
    )
    await admin.query(`INSERT INTO subject_keys (user_id, shredded_at) VALUES ('user-8', now())`)
    await admin.query(
      `INSERT INTO profiles SELECT 'user-' || u, 'NOK', zone, 'en', now()
       FROM (VALUES (2, 'Europe/Oslo'), (4, 'UTC'), (5, 'Europe/Paris'), (6, 'Europe/Oslo'), (8, 'Europe/Oslo'), (9, 'Asia/Tokyo')) AS p (u, zone)`,
    )
    expect(await store.timeZones()).toEqual(['Asia/Tokyo', 'Europe/Oslo', 'Europe/Paris', 'UTC'])
    const winter = { zones: ['Europe/Oslo', 'Europe/Paris'], unset: false }
    expect(await store.ledgersAfter('', winter, 2)).toEqual({
      userIds: ['user-2', 'user-5'],
      through: 'user-5',
    })
    expect(await store.ledgersAfter('user-5', winter, 2)).toEqual({
      userIds: ['user-6'],
      through: 'user-8',
    })
    expect(await store.ledgersAfter('user-8', winter, 2)).toEqual({
      userIds: [],
      through: undefined,
    })
    expect(await store.ledgersAfter('', { zones: ['UTC'], unset: true }, 100)).toEqual({
      userIds: ['user-1', 'user-3', 'user-4', 'user-7'],
      through: undefined,
    })
  })

  test('tells by which event a ledger was parked or unparked last, and whether it is erased', async () => {
    await admin.query(`INSERT INTO subject_keys (user_id, shredded_at) VALUES ('user-2', now())`)
    await admin.query(
      `INSERT INTO events (user_id, sequence, event_id, aggregate_type, aggregate_id, version, event_type, occurred_at,
                           recorded_at, command_id, partition, "offset", event)
       SELECT 'user-1', n, gen_random_uuid(), type, 'ledger', n, 'any', now(), now(), 'c', 0, n, convert_to(type || n, 'UTF8')
       FROM (VALUES (1, 'ledger'), (2, 'ledger'), (3, 'account')) AS e (n, type)`,
    )
    expect(await store.parkingsOf(['user-1', 'user-2'])).toEqual([
      { userId: 'user-1', event: Buffer.from('ledger2'), erased: false },
      { userId: 'user-2', event: null, erased: true },
    ])
    await admin.query('TRUNCATE events')
  })

  test('a pass goes forward only, and the next one begins anew', async () => {
    expect(await store.progress()).toBeUndefined()
    const at = { until: 2_000, afterUser: 'user-5', finished: false }
    await store.move(at)
    await store.move({ ...at, afterUser: 'user-3' })
    await store.move({ ...at, until: 1_000, afterUser: 'user-9', finished: true })
    expect(await store.progress()).toEqual(at)
    await store.move({ ...at, finished: true })
    await store.move({ ...at, afterUser: 'user-7' })
    expect(await store.progress()).toEqual({ ...at, finished: true })
    const next = { until: 3_000, afterUser: '', finished: false }
    await store.move(next)
    expect(await store.progress()).toEqual(next)
  })

  test('readers have passed what the slowest has, and nothing where one has not begun', async () => {
    await admin.query(
      `INSERT INTO progress (consumer, partition, next_offset) VALUES ('a', 0, 5), ('b', 0, 3), ('c', 0, 1), ('a', 1, 7)`,
    )
    expect(await store.readTo(['a', 'b'], 3)).toEqual([3n, 0n, 0n])
    expect(await store.readTo(['a'], 2)).toEqual([5n, 7n])
  })

  test('knows how many commands of a partition the checkpoints have seen decided', async () => {
    await admin.query('DELETE FROM progress')
    await admin.query(
      `INSERT INTO progress (consumer, partition, next_offset, commands_offset)
       VALUES ('actors:checkpoint', 0, 5, 4), ('actors:checkpoint', 2, 0, NULL), ('a', 1, 7, 9)`,
    )
    expect(await store.commandsDecided(4)).toEqual([4n, 0n, 0n, 0n])
  })
})

describePostgres('two clocks at once', (database) => {
  test('advance the time of every ledger once, and verify finds nothing', async () => {
    const engine = await engineOn(database.url)
    await engine.send(commands.slice(0, 100))
    await engine.settled()
    await engine.stop()
    const again = await engineOn(database.url)
    const store = postgresClockStore(database.url, 'test')
    const retention = postgresRetention(database.url, 'test')
    const stop = new AbortController()
    let told = 0
    const answered = Promise.withResolvers<void>()
    const clock = () =>
      runClock(
        {
          log: again.log,
          // Neither knows how far the other is.
          store: {
            ...store,
            move: () => Promise.resolve(),
            progress: () => Promise.resolve(undefined),
          },
          retention,
          answersMs: 0,
          now: () => Date.now(),
          pause: () =>
            new Promise((resolve) => stop.signal.addEventListener('abort', () => resolve())),
          observe: {
            unread: () => {},
            removed: () => {},
            told(ledgers) {
              if ((told += ledgers) === 6) answered.resolve()
            },
          },
        },
        stop.signal,
      )
    const clocks = Promise.all([clock(), clock()])
    await Promise.race([answered.promise, clocks])
    stop.abort()
    await clocks
    await waitUntilProcessed(again.log, database.url, ACTOR_GROUP, new AbortController().signal)
    await again.stop()
    const { rows } = await advances(database.url)
    expect(rows).toEqual([
      { event_type: 'TimeAdvanced', user_id: 'user-1' },
      { event_type: 'TimeAdvanced', user_id: 'user-2' },
      { event_type: 'TimeAdvanced', user_id: 'user-3' },
    ])
    expect(await judged(database.url)).toMatchObject(CLEAN)
    await store.close()
    await retention.close()
  })
})

async function advances(url: string) {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return await client.query(
      `SELECT event_type, user_id FROM events WHERE event_type = 'TimeAdvanced' ORDER BY user_id`,
    )
  } finally {
    await client.end()
  }
}
