/**
 * Goal: a rebuilt table is the fold of its events, with all that belongs to the live one, and nobody is disturbed.
 * Method: the real loops and stores over a log in memory, so that every fault happens when the test says so.
 */
import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { shadowUrl, tableRebuilds } from '../../sink/table-rebuilds.ts'
import type { TableStore } from '../../sink/table-store.ts'
import type { TableName } from '../../sink/tables.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import { rebuild, type RebuildDeps, type Rebuilt } from '../../topology/rebuild.ts'
import { runTables } from '../../topology/run-tables.ts'
import { ledgerTables, type TableReader } from '../../topology/table-reader.ts'
import { arbitraryHistory } from '../support/arbitrary-commands.ts'
import { opened, recorded } from '../support/example-commands.ts'
import { describePostgres } from '../support/postgres.ts'
import { sourcedEvents } from '../support/sourced-events.ts'
import { commandOf } from '../support/specification.ts'
import { rowsOf, tableNames } from '../support/table-rows.ts'

const place = { topic: 'ledger.events', partition: 0 } as const
/** The processor of accounts throws at the event with this sequence. */
const failingAt = (sequence: number): TableReader<OpenedEvent> => ({
  ...ledgerTables,
  processors: ledgerTables.processors.map((processor) =>
    processor.name === 'accounts' && processor.kind === 'rows'
      ? {
          ...processor,
          step(row: never, event: OpenedEvent) {
            if (event.sequence === sequence) throw new Error('a bug of ours')
            return processor.step(row, event)
          },
        }
      : processor,
  ),
})
const keys = { existingKeysOf: () => Promise.resolve(new Map()) }
const values = sourcedEvents([
  commandOf({ body: opened }, 0),
  ...Array.from({ length: 19 }, (_, n) =>
    commandOf({ body: recorded({ transactionId: `t-${n}` }) }, n + 1),
  ),
]).map(({ value }) => value)

describePostgres('a rebuild', (database) => {
  let pool: pg.Pool
  let log: MemoryLog
  beforeAll(() => {
    pool = openPool(database.url, { role: 'test', max: 2 })
  })
  afterAll(() => pool.end())
  beforeEach(async () => {
    await pool.query(`TRUNCATE progress, processor_runs, ${tableNames.join(', ')}`)
    log = memoryLog({ partitions: 2, seed: 7, now: () => 0 })
  })

  async function append(events: readonly Buffer[], partition = 0): Promise<void> {
    const producer = log.producer()
    for (const value of events) {
      await producer.append([{ ...place, partition, key: Buffer.from('u'), value }])
    }
  }

  /** What the live reader does until it stands at the end. */
  async function live(reader: TableReader<OpenedEvent> = ledgerTables): Promise<readonly string[]> {
    const detached: string[] = []
    const store = postgresTableStore(database.url, 'test-live')
    try {
      const stop = new AbortController()
      await runTables(
        reader,
        0,
        {
          log,
          keys,
          store,
          limit: { records: 7, bytes: 1 << 20 },
          observe: {
            applied: (_reader, _partition, { next, end }) => void (next === end && stop.abort()),
            detached: (name) => void detached.push(name),
          },
        },
        stop.signal,
      )
    } finally {
      await store.close()
    }
    return detached
  }

  type Options = Partial<RebuildDeps> & {
    readonly reader?: TableReader<OpenedEvent>
    readonly stop?: AbortSignal
    readonly around?: (store: TableStore) => TableStore
  }

  async function rebuilt(table: TableName, options: Options = {}): Promise<Rebuilt> {
    const { reader = ledgerTables, around = (store) => store } = options
    const processor = reader.processors.find((one) => one.table === table)
    if (processor === undefined) throw new Error(`nothing makes ${table}`)
    const rebuilds = await tableRebuilds(database.url, 'test-rebuild')
    const shadow = (): TableStore =>
      around(postgresTableStore(shadowUrl(database.url), 'test-shadow'))
    const limit = { records: 5, bytes: 1 << 20 }
    const deps = { log, keys, rebuilds, shadow, limit, ...options }
    try {
      return await rebuild(reader, processor, deps, options.stop ?? new AbortController().signal)
    } finally {
      await rebuilds.close()
    }
  }

  const everything = async (): Promise<unknown> => ({
    rows: await Promise.all(tableNames.map((name) => rowsOf(pool, name))),
    progress: (
      await pool.query('SELECT consumer, partition, next_offset FROM progress ORDER BY 1, 2')
    ).rows.filter(({ next_offset }) => next_offset > 0n),
  })

  test('gives the rows that the live reader gave, for every table and any history', async () => {
    const accounts = ['user-1', 'user-2', 'user-3'].map((userId) => ({
      ...commandOf({ body: opened }, 500),
      userId,
    }))
    const [commands = []] = fc.sample(arbitraryHistory(150), 1)
    await append(sourcedEvents([...accounts, ...commands]).map(({ value }) => value))
    await live()
    const before = await everything()
    for (const { table } of ledgerTables.processors) {
      await pool.query(`DELETE FROM ${table} WHERE user_id = 'user-1'`)
      await rebuilt(table as TableName)
    }
    expect(await everything()).toEqual(before)
  })

  test('reads again what the live reader wrote, and leaves to it what comes next', async () => {
    await append(values.slice(0, 10))
    await live()
    await pool.query('UPDATE transactions SET amount_minor = 1')
    await append(values.slice(10))
    expect(await rebuilt('transactions')).toEqual({
      processor: 'transactions',
      tables: ['transactions'],
      events: 10,
      rows: 9,
    })
    await live()
    const { rows } = await pool.query(
      'SELECT count(*) FILTER (WHERE amount_minor = 1) AS wrong FROM transactions',
    )
    expect(rows).toEqual([{ wrong: 0n }])
    expect(await rowsOf(pool, 'accounts')).toMatchObject([{ transaction_count: 19 }])
  })

  test('an owner that knew the rows of before writes none of them back', async () => {
    await append(values.slice(0, 10))
    const store = postgresTableStore(database.url, 'test-live')
    const stop = new AbortController()
    let batches = 0
    const observe = {
      applied: () => {
        if (++batches > 1) stop.abort()
      },
      detached: () => {},
    }
    const limit = { records: 100, bytes: 1 << 20 }
    const owner = runTables(ledgerTables, 0, { log, keys, store, limit, observe }, stop.signal)
    while (batches === 0) await new Promise((resolve) => setImmediate(resolve))
    await rebuilt('accounts')
    await append(values.slice(10))
    await expect(owner).rejects.toMatchObject({ code: 'SALDO_LEASE_FENCED', retryable: true })
    await store.close()
    await live()
    expect(await rowsOf(pool, 'accounts')).toMatchObject([{ transaction_count: 19 }])
  })

  test('attaches a processor again that was left behind', async () => {
    await append(values)
    expect(await live(failingAt(8))).toEqual(['accounts'])
    await rebuilt('accounts')
    expect(await rowsOf(pool, 'accounts')).toMatchObject([{ last_sequence: 7 }])
    await live()
    expect(await rowsOf(pool, 'accounts')).toMatchObject([{ last_sequence: 20 }])
    const { rows } = await pool.query(
      `SELECT DISTINCT next_offset FROM progress WHERE partition = 0`,
    )
    expect(rows).toHaveLength(1)
  })

  test('fails where its processor fails, leaves the table as it is and says so in its record', async () => {
    await append(values)
    await live()
    const before = await everything()
    const reader = failingAt(8)
    await expect(rebuilt('accounts', { reader })).rejects.toThrow('a bug of ours')
    expect(await everything()).toEqual(before)
    expect(await shadowTables()).toEqual([])
    const { rows } = await pool.query('SELECT result, error FROM processor_runs')
    // What was thrown may quote a value.
    expect(rows).toEqual([{ result: 'failed', error: 'Error' }])
  })

  test('is recorded: when, from where to where, how many, and how it ended', async () => {
    await append(values)
    await live()
    await rebuilt('categories')
    const stop = AbortSignal.abort()
    await expect(rebuilt('events', { stop })).rejects.toThrow()
    const { rows } = await pool.query(
      `SELECT processor, tables, partitions, from_offsets, to_offsets, events, rows, result, error,
         ended_at >= started_at AS ended FROM processor_runs ORDER BY id`,
    )
    const end = await log.end(place)
    expect(rows).toEqual([
      {
        processor: 'categories',
        tables: ['categories'],
        partitions: 2,
        from_offsets: [0n, 0n],
        to_offsets: [end, 0n],
        events: 20n,
        rows: 0n,
        result: 'done',
        error: null,
        ended: true,
      },
      expect.objectContaining({ processor: 'event-archive', result: 'interrupted', rows: null }),
    ])
  })

  test('two at once: the second says so', async () => {
    const first = await tableRebuilds(database.url, 'test-first')
    await expect(rebuilt('accounts')).rejects.toMatchObject({ code: 'SALDO_REBUILD_REFUSED' })
    await first.close()
    await expect(rebuilt('accounts')).resolves.toMatchObject({ rows: 0 })
  })

  test('one that was killed leaves nothing that hurts, and the next begins from the start', async () => {
    await append(values)
    await live()
    const before = await everything()
    const killed = rebuilt('accounts', {
      around: (store) => ({
        ...store,
        async apply(batch) {
          await store.apply(batch)
          await pool.query(END_CONNECTIONS)
        },
      }),
    })
    await expect(killed).rejects.toMatchObject({ code: 'SALDO_DATABASE_UNAVAILABLE' })
    expect(await everything()).toMatchObject({ rows: (before as { rows: unknown }).rows })
    expect(await rebuilt('accounts')).toMatchObject({ events: 20, rows: 1 })
    expect(await everything()).toEqual(before)
    const { rows } = await pool.query('SELECT result FROM processor_runs ORDER BY id')
    expect(rows).toEqual([{ result: 'interrupted' }, { result: 'done' }])
    expect(await shadowTables()).toEqual([])
  })

  describe('over another log than the table was made from', () => {
    test('that ends before the table: the table becomes what the log says', async () => {
      await append(values)
      await live()
      log = memoryLog({ partitions: 2, seed: 7, now: () => 0 })
      await append(values.slice(0, 4))
      await pool.query('UPDATE progress SET log_identity = $1', [log.identity])
      await rebuilt('transactions')
      expect(await rowsOf(pool, 'transactions')).toHaveLength(3)
    })

    test('that has another identity: the table belongs to this one from then on', async () => {
      await append(values)
      await live()
      log = memoryLog({ partitions: 2, seed: 8, now: () => 0 })
      await append(values.slice(0, 4))
      for (const { table } of ledgerTables.processors) await rebuilt(table as TableName)
      expect(await rowsOf(pool, 'transactions')).toHaveLength(3)
      await append(values.slice(4))
      await live()
      expect(await rowsOf(pool, 'transactions')).toHaveLength(19)
    })
  })

  async function shadowTables(): Promise<readonly unknown[]> {
    const { rows } = await pool.query(
      `SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('rebuild', 'replaced')
       UNION ALL SELECT 'progress', consumer FROM progress WHERE consumer LIKE 'rebuild:%'`,
    )
    return rows
  }
})

const END_CONNECTIONS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND (application_name LIKE '%:test-rebuild' OR application_name LIKE '%:test-shadow%')`
