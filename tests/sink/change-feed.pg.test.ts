import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openChangeFeed, type Change, type ChangeFeed } from '../../sink/change-feed.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { userMark } from '../../sink/table-change.ts'
import { changingTables, type ChangingTables } from '../support/changing-tables.ts'
import { describePostgres } from '../support/postgres.ts'

const PARTITION = 2
/** Longer than a test: nothing is found by looking. */
const NEVER_MS = 3_600_000

describePostgres('the feed of changes', (database) => {
  let pool: ReturnType<typeof openPool>
  let reader: ChangingTables
  let feed: ChangeFeed
  let heard: Change[]
  let waiting: (() => void)[]

  beforeAll(async () => {
    pool = openPool(database.url, { role: 'test', max: 2 })
    reader = await changingTables(database.url, PARTITION)
  })
  afterEach(() => feed.close())
  afterAll(async () => {
    await reader.close()
    await pool.end()
  })

  async function open(pollMs: number): Promise<void> {
    heard = []
    waiting = []
    feed = openChangeFeed(
      database.url,
      (change) => {
        heard.push(change)
        for (const resolve of waiting.splice(0)) resolve()
      },
      pollMs,
    )
    await feed.ready()
    heard.length = 0
  }
  const next = (): Promise<void> => new Promise((resolve) => waiting.push(resolve))
  const offset = (): number => Number(feed.position(PARTITION).split('-')[1])

  test('tells who changed, in which tables, and how far the tables are', async () => {
    await open(NEVER_MS)
    const before = offset()
    const told = next()
    await reader.change('ana', 'ben')
    await told
    const users = new Map([
      [userMark('ana'), ['categories']],
      [userMark('ben'), ['categories']],
    ])
    expect(heard).toEqual([{ partition: PARTITION, users }])
    expect(offset()).toBe(before + 1)
  })

  test('tells of answers to commands, beside', async () => {
    await open(NEVER_MS)
    const [partition, events, outcomes] = feed.position(PARTITION).split('-')
    const told = next()
    await reader.answer('ana')
    await told
    const users = new Map([[userMark('ana'), ['command_outcomes']]])
    expect(heard).toEqual([{ partition: PARTITION, users }])
    expect(feed.position(PARTITION)).toBe(`${partition}-${events}-${Number(outcomes) + 1}`)
  })

  test('knows at its start how far the tables are, and which partition a user is in', async () => {
    await open(NEVER_MS)
    expect(offset()).toBeGreaterThan(0)
    const partitions = new Set(['a', 'b', 'c', 'd', 'e', 'f'].map((user) => feed.partitionOf(user)))
    expect(partitions).toEqual(new Set([0, 1, 2]))
  })

  test('finds by the next notification that one was lost', async () => {
    await open(NEVER_MS)
    await reader.close()
    await pool.query('UPDATE progress SET next_offset = next_offset + 1 WHERE partition = $1', [
      PARTITION,
    ])
    reader = await changingTables(database.url, PARTITION)
    const told = next()
    await reader.change('ana')
    await told
    expect(heard).toEqual([{ partition: PARTITION, users: 'everybody' }])
  })

  test('finds by looking that the last one was lost, and tells it once', async () => {
    await open(10)
    const before = offset()
    const told = next()
    await reader.close()
    await pool.query(
      `UPDATE progress SET next_offset = next_offset + 1
        WHERE partition = $1 AND consumer = 'tables:categories'`,
      [PARTITION],
    )
    reader = await changingTables(database.url, PARTITION)
    await told
    expect(heard).toEqual([{ partition: PARTITION, users: 'everybody' }])
    expect(offset()).toBe(before + 1)
  })

  test('tells everybody of the time in which it did not hear', async () => {
    await open(NEVER_MS)
    await pool.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE '%:api-listen'`,
    )
    await reader.change('ana')
    // The loss is noticed some turns later; whoever asks then listens again.
    while (heard.length === 0) {
      await feed.ready().catch(() => undefined)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(heard).toEqual([{ partition: PARTITION, users: 'everybody' }])
    heard.length = 0
    const again = next()
    await reader.change('ben')
    await again
    expect(heard).toEqual([
      { partition: PARTITION, users: new Map([[userMark('ben'), ['categories']]]) },
    ])
  })

  test('is one connection, however many ask for it', async () => {
    await open(NEVER_MS)
    await Promise.all([feed.ready(), feed.ready(), feed.ready()])
    const { rows } = await pool.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE '%:api-listen'`,
    )
    expect(rows).toHaveLength(1)
  })
})
