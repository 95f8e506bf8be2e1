/**
 * Goal: tables equal the fold of their events, whoever else reads, throws or crashes.
 * Method: the real loop and the real store over a log in memory, whose offsets jump, so that every batch, fault and
 * take-over happens when the test says so.
 */
import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SaldoError } from '../../schemas/errors.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import type { TableStore } from '../../sink/table-store.ts'
import { foldBatch, tableOf } from '../../topology/fold-batch.ts'
import { keepRunning } from '../../topology/keep-running.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import { runTables, type TableDeps } from '../../topology/run-tables.ts'
import { ledgerTables, type TableReader } from '../../topology/table-reader.ts'
import { arbitraryHistory } from '../support/arbitrary-commands.ts'
import { opened, recorded } from '../support/example-commands.ts'
import { memoryTables } from '../support/memory-tables.ts'
import { describePostgres } from '../support/postgres.ts'
import { sourcedEvents } from '../support/sourced-events.ts'
import { commandOf } from '../support/specification.ts'
import { rowsOf, tableNames } from '../support/table-rows.ts'

const place = { topic: 'ledger.events', partition: 0 } as const
/** Texts are sealed with no key here: they read as not readable, and that is all the same to a loop. */
const keys = { existingKeysOf: () => Promise.resolve(new Map()) }
const spending = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    commandOf({ body: recorded({ transactionId: `t-${n}` }) }, n + 1),
  )
const twentyThree = [commandOf({ body: opened }, 0), ...spending(22)]
const values = sourcedEvents(twentyThree.slice(0, 20)).map(({ value }) => value)

describePostgres('the loop of a table reader', (database) => {
  let pool: pg.Pool
  let log: MemoryLog
  const stores: TableStore[] = []
  beforeAll(() => {
    pool = openPool(database.url, { role: 'test', max: 2 })
  })
  afterAll(() => pool.end())
  beforeEach(async () => {
    for (const store of stores.splice(0)) await store.close()
    await pool.query(`TRUNCATE progress, ${tableNames.join(', ')}`)
    log = memoryLog({ partitions: 1, seed: 7, now: () => 0 })
  })
  afterAll(async () => {
    for (const store of stores) await store.close()
  })

  function newStore(): TableStore {
    const store = postgresTableStore(database.url, 'test-loop')
    stores.push(store)
    return store
  }

  async function append(events: readonly Buffer[]): Promise<void> {
    const producer = log.producer()
    for (const value of events) await producer.append([{ ...place, key: Buffer.from('u'), value }])
  }

  type Run = {
    readonly reader?: TableReader<OpenedEvent>
    readonly store?: TableStore
    readonly records?: number
    readonly stop?: AbortController
    readonly detached?: (processor: string) => void
    /** Everything that was there is applied, so many records since the start. Without it the run stops there. */
    readonly atEnd?: (items: number) => Promise<void>
  }

  /** Runs until it has applied everything that the log holds, or fails. */
  function read({ reader = ledgerTables, records = 3, detached, ...run }: Run = {}): Promise<void> {
    const stop = run.stop ?? new AbortController()
    const failed = Promise.withResolvers<void>()
    let count = 0
    const deps: TableDeps = {
      log,
      store: run.store ?? newStore(),
      keys,
      limit: { records, bytes: 1 << 20 },
      observe: {
        applied: (_reader, _partition, { items, next, end }) => {
          count += items
          if (next < end) return
          if (run.atEnd === undefined) stop.abort()
          else run.atEnd(count).catch(failed.reject)
        },
        detached: (processor, _partition, error) => {
          if (detached === undefined) throw error
          detached(processor)
        },
      },
    }
    return Promise.race([runTables(reader, 0, deps, stop.signal), failed.promise])
  }

  /** Every table, beside what it is by the fold of everything in the log, one by one. */
  async function expectTablesEqualFold(): Promise<void> {
    const memory = memoryTables()
    const records = log.committed(place)
    const items = await ledgerTables.open(records, 0, keys)
    for (const [n, { offset, value }] of records.entries()) {
      const item = items[n] as OpenedEvent
      for (const processor of ledgerTables.processors) {
        const source = { item, partition: 0, offset, value }
        memory.apply(await foldBatch(processor, [source], memory.read))
      }
    }
    const byText = (rows: readonly object[]) =>
      rows
        .map((row) =>
          JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
        )
        .toSorted()
    for (const processor of ledgerTables.processors) {
      const table = tableOf(processor)
      expect(byText(await rowsOf(pool, table)), table).toEqual(byText(memory.rows(table)))
    }
  }

  async function snapshot(): Promise<unknown> {
    const tables = await Promise.all(tableNames.map((name) => rowsOf(pool, name)))
    const progress = await pool.query(
      'SELECT consumer, next_offset, last_event_id FROM progress ORDER BY 1',
    )
    return [tables, progress.rows]
  }

  test('folds everything, in one go and in steps, and goes on where it stopped', async () => {
    await append(values.slice(0, 7))
    await read()
    await expectTablesEqualFold()
    await append(values.slice(7))
    await read({ records: 100 })
    await expectTablesEqualFold()
  })

  test('waits at the end for what comes, and ends with the stop', async () => {
    const stop = new AbortController()
    let sent = 2
    await append(values.slice(0, sent))
    await read({
      stop,
      async atEnd(items) {
        // Offsets jump: an end may be reached by an empty slice.
        if (items < sent) return
        if (sent === values.length) stop.abort()
        const more = values.slice(sent, sent + 9)
        sent += more.length
        await append(more)
      },
    })
    await expectTablesEqualFold()
    expect(await rowsOf(pool, 'events')).toHaveLength(values.length)
  })

  describe('with two owners', () => {
    test('refuses the older one, whose batch changes nothing', async () => {
      await append(values.slice(0, 5))
      const store = newStore()
      const entered = Promise.withResolvers<void>()
      const going = Promise.withResolvers<void>()
      const older = read({
        store: {
          ...store,
          async apply(batch) {
            entered.resolve()
            await going.promise
            await store.apply(batch)
          },
        },
      })
      await entered.promise
      await read()
      const after = await snapshot()
      going.resolve()
      await expect(older).rejects.toMatchObject({ code: 'SALDO_LEASE_FENCED' })
      expect(await snapshot()).toEqual(after)
      await expectTablesEqualFold()
    })

    test('refuses the older one before the newer one has written anything', async () => {
      await append(values.slice(0, 5))
      const store = newStore()
      const older = read({
        store: {
          ...store,
          async apply(batch) {
            await newStore().takeOver(['tables:categories'], 0, log.identity)
            await store.apply(batch)
          },
        },
      })
      await expect(older).rejects.toMatchObject({ code: 'SALDO_LEASE_FENCED' })
      expect(await rowsOf(pool, 'events')).toEqual([])
      await read()
      await expectTablesEqualFold()
    })
  })

  describe('with a processor that throws', () => {
    /** The reader, but one processor fails at the event with this sequence. */
    const failingAt = (name: string, sequence: number): TableReader<OpenedEvent> => ({
      ...ledgerTables,
      processors: ledgerTables.processors.map((processor) => {
        if (processor.name !== name || processor.kind !== 'rows') return processor
        return {
          ...processor,
          step(row: never, event: OpenedEvent) {
            if (event.sequence === sequence) throw new Error('a bug of ours')
            return processor.step(row, event)
          },
        }
      }),
    })

    test('leaves its table as it is and reports it, while the others go on', async () => {
      await append(values)
      const detached: string[] = []
      await read({ reader: failingAt('accounts', 8), detached: (name) => detached.push(name) })
      expect(detached).toEqual(['accounts'])
      expect(await rowsOf(pool, 'transactions')).toHaveLength(19)
      expect(await rowsOf(pool, 'events')).toHaveLength(20)
      // Two whole batches of three, and nothing of the third.
      expect(await rowsOf(pool, 'accounts')).toMatchObject([{ last_sequence: 6 }])
    })

    test('catches up after a restart with the bug mended, alone, in any batches', async () => {
      await append(values)
      await read({ reader: failingAt('accounts', 8), detached: () => {} })
      await append(
        sourcedEvents(twentyThree)
          .slice(20)
          .map(({ value }) => value),
      )
      await read({ records: 4 })
      await expectTablesEqualFold()
    })

    test('leaves it behind again while the bug is there, and the others go on', async () => {
      await append(values)
      const detached: string[] = []
      const reader = failingAt('accounts', 8)
      await read({ reader, detached: (name) => detached.push(name) })
      await append(
        sourcedEvents(twentyThree)
          .slice(20)
          .map(({ value }) => value),
      )
      await read({ reader, detached: (name) => detached.push(name) })
      expect(detached).toEqual(['accounts', 'accounts'])
      expect(await rowsOf(pool, 'transactions')).toHaveLength(22)
      expect(await rowsOf(pool, 'accounts')).toMatchObject([{ last_sequence: 6 }])
    })

    test('stops when it is the only one', async () => {
      await append(values)
      const { processors } = failingAt('accounts', 2)
      const reader = {
        ...ledgerTables,
        processors: processors.filter(({ name }) => name === 'accounts'),
      }
      await expect(read({ reader, detached: () => {} })).rejects.toMatchObject({
        code: 'SALDO_BATCH_FAILING',
        message: expect.stringContaining('ledger-tables failed in partition 0'),
      })
      expect(await rowsOf(pool, 'accounts')).toEqual([])
    })
  })

  describe('over another log than its tables were made from', () => {
    /** Progress of the accounts, as somebody else left it. */
    async function leave(to: bigint, lastEventId: string): Promise<void> {
      const store = newStore()
      const [progress] = await store.takeOver(['tables:accounts'], 0, log.identity)
      const { epoch, offset: from } = progress ?? { epoch: 0n, offset: 0n }
      const move = { consumer: 'tables:accounts', epoch, from, to, lastEventId }
      await store.apply({ partition: 0, moves: [move], writes: [] })
    }

    test('refuses a progress beyond the end and names the remedy', async () => {
      await append(values)
      const end = await log.end(place)
      await leave(end + 1n, 'an event')
      await expect(read()).rejects.toMatchObject({
        code: 'SALDO_LOG_MISMATCH',
        message: `tables:accounts is ahead of the log in partition 0 (${end + 1n} > ${end}): rebuild the table of tables:accounts, or bring the log back that it was made from`,
      })
      expect(await rowsOf(pool, 'events')).toEqual([])
    })

    test('refuses a last event that is not the one in the log and names the remedy', async () => {
      await append(values)
      const third = log.committed(place)[2]
      if (third === undefined) throw new Error('there are twenty')
      await leave(third.offset + 1n, 'another event')
      await expect(read()).rejects.toMatchObject({
        code: 'SALDO_LOG_MISMATCH',
        message: expect.stringContaining(
          `offset ${third.offset} holds something else: rebuild the table of tables:accounts`,
        ),
      })
      expect(await rowsOf(pool, 'events')).toEqual([])
    })

    test('refuses a log with another identity and says so', async () => {
      await append(values)
      await read()
      log = memoryLog({ partitions: 1, seed: 8, now: () => 0 })
      await append(values)
      await expect(read()).rejects.toMatchObject({
        code: 'SALDO_LOG_MISMATCH',
        message: expect.stringContaining('belongs to another log'),
      })
    })
  })

  test('stops at an event that does not decode, with its coordinates, after all before it', async () => {
    await append([...values.slice(0, 4), Buffer.from('no event'), ...values.slice(4)])
    const bad = log.committed(place)[4]
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(read({ records: 2 })).rejects.toMatchObject({
        code: 'SALDO_EVENT_UNREADABLE',
        retryable: false,
        message: expect.stringContaining(
          `the event at partition 0 offset ${bad?.offset} is not readable: `,
        ),
      })
      expect(await rowsOf(pool, 'events')).toHaveLength(4)
    }
  })

  test('a connection that ends at random batches loses nothing and doubles nothing', async () => {
    const accounts = ['user-1', 'user-2', 'user-3'].map((userId) => ({
      ...commandOf({ body: opened }, 500),
      userId,
    }))
    const histories = arbitraryHistory(150).map((commands) =>
      sourcedEvents([...accounts, ...commands]),
    )
    const crashes = fc.array(fc.boolean(), { minLength: 5, maxLength: 5 })
    let failures = 0
    const nothingIsLost = fc.asyncProperty(histories, crashes, async (events, ends) => {
      await pool.query(`TRUNCATE progress, ${tableNames.join(', ')}`)
      log = memoryLog({ partitions: 1, seed: events.length, now: () => 0 })
      await append(events.map(({ value }) => value))
      const stop = new AbortController()
      let batch = 0
      await keepRunning(
        0,
        async (_, progressed) => {
          const store = newStore()
          const apply: TableStore['apply'] = async (one) => {
            const isCut = ends[batch++ % ends.length] === true && batch <= 8
            // Both are awaited, so that the next batch is not cut by what belongs to this one.
            const [applied] = await Promise.allSettled([
              store.apply(one),
              isCut ? pool.query(END_CONNECTIONS) : undefined,
            ])
            if (applied.status === 'rejected') throw applied.reason
            progressed()
          }
          await read({ store: { ...store, apply }, stop, records: 5 })
        },
        stop.signal,
        (error) => {
          if (!(error instanceof SaldoError && error.retryable)) throw error
          failures++
        },
        () => Promise.resolve(),
      )
      await expectTablesEqualFold()
    })
    await fc.assert(nothingIsLost, { numRuns: 8 })
    expect(failures).toBeGreaterThan(0)
  })
})

const END_CONNECTIONS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name LIKE '%:test-loop%' AND datname = current_database()`
