/**
 * Goal: an alert stands in the outbox exactly once, with the rows that are its reason, whoever crashes or replays.
 * Method: the real loop and the real store over a log in memory.
 */
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { budgetExceededCodec } from '../../schemas/codec.ts'
import { SaldoError } from '../../schemas/errors.ts'
import { noticeIdOf } from '../../schemas/ids.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import { migrate } from '../../sink/migrations/migrate.ts'
import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import type { TableStore } from '../../sink/table-store.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import { runTables } from '../../topology/run-tables.ts'
import { ledgerTables } from '../../topology/table-reader.ts'
import { budgeted, opened, recorded } from '../support/example-commands.ts'
import { describePostgres } from '../support/postgres.ts'
import { eventsOfBodies, sourcedEvents } from '../support/sourced-events.ts'
import { commandOf } from '../support/specification.ts'
import { rowsOf, tableNames } from '../support/table-rows.ts'

const place = { topic: 'ledger.events', partition: 0 } as const
const keys = { existingKeysOf: () => Promise.resolve(new Map()) }
const MARCH_1 = 20_513

const of100 = budgeted({ month: 674, amountMinor: 100n })
const spent = (amountMinor: number, n: number): LedgerCommandBody =>
  recorded({
    transactionId: `t-${n}`,
    categoryId: 'groceries',
    bookedOn: MARCH_1,
    amountMinor: BigInt(-amountMinor),
  })
/** Spending goes up by 30, and reaches 80, 90 and 100 on the way. */
const bodies = [opened, of100, spent(30, 1), spent(30, 2), spent(25, 3), spent(5, 4), spent(30, 5)]
const ALL = ['80 at 85', '90 at 90', '100 at 120']

describePostgres('the outbox', (database) => {
  let pool: pg.Pool
  let log: MemoryLog
  const stores: TableStore[] = []
  beforeAll(() => {
    pool = openPool(database.url, { role: 'test', max: 2 })
  })
  afterAll(() => pool.end())
  beforeEach(async () => {
    await pool.query(`TRUNCATE progress, outbox, ${tableNames.join(', ')}`)
    log = memoryLog({ partitions: 1, seed: 3, now: () => 0 })
    const producer = log.producer()
    for (const { value } of sourcedEvents(bodies.map((body, n) => commandOf({ body }, n)))) {
      await producer.append([{ ...place, key: Buffer.from('user-1'), value }])
    }
  })
  afterAll(async () => {
    for (const store of stores) await store.close()
  })

  function newStore(changes: (store: TableStore) => Partial<TableStore> = () => ({})): TableStore {
    const store = postgresTableStore(database.url, 'test-outbox')
    stores.push(store)
    return { ...store, ...changes(store) }
  }

  /** Reads to the end of the log with an owner of its own; gives the thresholds that were counted. */
  async function read({ store = newStore(), records = 1 } = {}): Promise<readonly number[]> {
    const stop = new AbortController()
    const counted: number[] = []
    const observe = {
      applied: (_reader: string, _at: number, { next, end }: { next: bigint; end: bigint }) => {
        if (next >= end) stop.abort()
      },
      detached: (_processor: string, _at: number, error: unknown) => {
        throw error
      },
      told: ({ record }: { record: { threshold: number } }) => counted.push(record.threshold),
    }
    const deps = { log, store, keys, limit: { records, bytes: 1 << 20 }, observe }
    await runTables(ledgerTables, 0, deps, stop.signal)
    return counted
  }

  type Outboxed = { readonly payload: Buffer; readonly [column: string]: unknown }

  async function outboxed(): Promise<readonly Outboxed[]> {
    const { rows } = await pool.query<Outboxed>('SELECT * FROM outbox ORDER BY source_offset')
    return rows
  }

  async function alerts(): Promise<readonly string[]> {
    return (await outboxed()).map(({ payload }) => {
      const { threshold, spentMinor } = budgetExceededCodec.decode(payload)
      return `${threshold} at ${spentMinor}`
    })
  }

  test('holds each alert with what a relay and a receiver need', async () => {
    expect(await read()).toEqual([80, 90, 100])
    const [first] = await outboxed()
    const cause = eventsOfBodies(...bodies)[4]
    if (first === undefined || cause === undefined) throw new Error('there are some')
    const eventId = noticeIdOf('budget-status', cause.eventId, 0)
    expect(first).toMatchObject({
      processor: 'budget-status',
      partition: 0,
      source_offset: log.committed(place)[4]?.offset,
      index: 0,
      event_id: eventId,
      topic: 'budgets.exceeded',
      event_type: 'BudgetExceeded',
      aggregate_type: 'budget',
      aggregate_id: 'b-1',
      user_id: 'user-1',
      created_at: expect.anything(),
      processed_at: null,
      attempts: 0,
      last_error: null,
    })
    expect(budgetExceededCodec.decode(first.payload)).toEqual({
      eventId,
      userId: 'user-1',
      occurredAt: cause.occurredAt,
      recordedAt: cause.recordedAt,
      causeEventId: cause.eventId,
      budgetId: 'b-1',
      budgetVersion: 1,
      categoryId: 'groceries',
      currency: 'NOK',
      month: 674,
      threshold: 80,
      amountMinor: 100n,
      spentMinor: 85n,
    })
    expect(await alerts()).toEqual(ALL)
  })

  test('holds the highest of what one batch reaches', async () => {
    await read({ records: 100 })
    expect(await alerts()).toEqual(['100 at 120'])
  })

  test('gets nothing of a batch that is not committed, and each alert once when it is tried again', async () => {
    const failing = newStore((store) => {
      let batches = 0
      return {
        apply: (batch) =>
          ++batches === 5
            ? // The rows and the alert are there, and then the owner is not the owner any more.
              store.apply({ ...batch, moves: batch.moves.map((m) => ({ ...m, epoch: 99n })) })
            : store.apply(batch),
      }
    })
    await expect(read({ store: failing })).rejects.toMatchObject({ code: 'SALDO_LEASE_FENCED' })
    expect(await outboxed()).toEqual([])
    expect(await rowsOf(pool, 'budget_status')).toMatchObject([{ spent_minor: 60n, latched: [] }])
    expect(await read()).toEqual([80, 90, 100])
    expect(await alerts()).toEqual(ALL)
  })

  test('has each alert once when the answer to a commit was lost, whoever goes on', async () => {
    for (let lost = 1; lost <= bodies.length; lost++) {
      await pool.query(`TRUNCATE progress, outbox, ${tableNames.join(', ')}`)
      const cut = newStore((store) => {
        let batches = 0
        return {
          async apply(batch) {
            await store.apply(batch)
            if (++batches === lost)
              throw new SaldoError('SALDO_DATABASE_UNAVAILABLE', 'cut', { retryable: true })
          },
        }
      })
      await expect(read({ store: cut })).rejects.toMatchObject({ message: 'cut' })
      if (lost < bodies.length) await read()
      expect(await alerts(), `after batch ${lost}`).toEqual(ALL)
    }
  })

  test('an owner that was replaced adds nothing', async () => {
    const waiting = Promise.withResolvers<void>()
    const replaced = Promise.withResolvers<void>()
    const slow = newStore((store) => {
      let batches = 0
      return {
        async apply(batch) {
          if (++batches === 4) {
            waiting.resolve()
            await replaced.promise
          }
          await store.apply(batch)
        },
      }
    })
    const old = expect(read({ store: slow })).rejects.toMatchObject({ code: 'SALDO_LEASE_FENCED' })
    await waiting.promise
    await read()
    replaced.resolve()
    await old
    expect(await alerts()).toEqual(ALL)
  })

  test('keeps what it has when the tables are folded again from the first event', async () => {
    await read()
    await pool.query(`UPDATE outbox SET processed_at = now(), attempts = 1`)
    const before = await outboxed()
    await pool.query(`TRUNCATE progress, ${tableNames.join(', ')}`)
    await read()
    expect(await outboxed()).toEqual(before)
  })

  test('gets nothing of what happened before its table was there', async () => {
    const from = log.committed(place)[5]?.offset
    const owner = newStore((store) => ({
      takeOver: async (...args) => {
        const sql = `UPDATE progress SET tells_from = $1 WHERE consumer = 'tables:budget-status'`
        await store.takeOver(...args)
        await pool.query(sql, [from])
        return store.takeOver(...args)
      },
    }))
    expect(await read({ store: owner })).toEqual([90, 100])
    expect(await alerts()).toEqual(['90 at 90', '100 at 120'])
    expect(await rowsOf(pool, 'budget_status')).toMatchObject([{ latched: [80, 90, 100] }])
  })

  test('what remains and the percentage follow from the row', async () => {
    const rows: readonly (readonly [amount: bigint | null, spent: bigint])[] = [
      [null, 5n],
      [0n, 0n],
      [0n, 5n],
      [300n, 100n],
      [300n, 200n],
      [100n, 250n],
      [10n ** 15n, 10n ** 15n - 1n],
    ]
    const found = []
    for (const [amount, spending] of rows) {
      const sql = `INSERT INTO budget_status (user_id, month, category_id, currency, standing, amount_minor, thresholds,
        latched, spent_minor, transaction_count, updated_at)
        VALUES ('u', '2026-03', 'c', 'NOK', false, $1, '{}', '{}', $2, 1, now())
        RETURNING remaining_minor::text AS remaining, percentage::text AS percentage`
      await pool.query('TRUNCATE budget_status')
      const { rows: inserted } = await pool.query<{ remaining: string; percentage: string }>(sql, [
        amount,
        spending,
      ])
      found.push([inserted[0]?.remaining, inserted[0]?.percentage])
    }
    expect(found).toEqual([
      [null, null],
      ['0', '0'],
      ['-5', '0'],
      ['200', '33.33'],
      ['100', '66.67'],
      ['-150', '250.00'],
      ['1', '100.00'],
    ])
  })
})

describePostgres(
  'a database of before',
  (database) => {
    test('is told nothing of its past by the release that brings budgets', async () => {
      const pool = openPool(database.url, { role: 'test', max: 2 })
      const client = await pool.connect()
      const identity = '00000000-0000-4000-8000-000000000001'
      try {
        await migrate(client, { to: 19 })
        await client.query(
          `INSERT INTO progress (consumer, partition, next_offset, log_identity)
           VALUES ('tables:event-archive', 0, 70, $1), ('tables:event-archive', 1, 0, $1), ('tables:accounts', 0, 70, $1)`,
          [identity],
        )
        await migrate(client, { to: 20 })
        const store = postgresTableStore(database.url, 'test')
        const consumer = 'tables:budget-status'
        expect(await store.takeOver([consumer], 0, identity)).toMatchObject([
          { offset: 0n, tellsFrom: 70n },
        ])
        expect(await store.takeOver([consumer], 1, identity)).toMatchObject([
          { offset: 0n, tellsFrom: 0n },
        ])
        expect(await store.takeOver(['tables:accounts'], 0, identity)).toMatchObject([
          { offset: 70n, tellsFrom: 0n },
        ])
        await store.close()
      } finally {
        client.release()
        await pool.end()
      }
    })
  },
  { empty: true },
)

describe('the id of what is told', () => {
  test('is another one for every cause, processor and index', () => {
    const [a, b] = eventsOfBodies(...bodies)
    const ids = [a, b].flatMap((event) =>
      ['budget-status', 'anomalies'].flatMap((processor) =>
        [0, 1].map((index) => noticeIdOf(processor, event?.eventId ?? '', index)),
      ),
    )
    expect(new Set(ids).size).toBe(8)
  })
})
