import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import type { TableMove, TableStore, TableWrite } from '../../sink/table-store.ts'
import { columnsOf, keyText, tables, type Row, type Table } from '../../sink/tables.ts'
import { describePostgres } from '../support/postgres.ts'
import { arbitraryRow, rowsOf, tableNames } from '../support/table-rows.ts'

const LOG = '00000000-0000-4000-8000-000000000001'
const CONSUMERS = ['tables:one', 'tables:two']

const sqlTypes: { readonly [type in Table['columns'][string]]: readonly string[] } = {
  text: ['text'],
  uuid: ['uuid'],
  texts: ['ARRAY'],
  ints: ['ARRAY'],
  json: ['json'],
  bytes: ['bytea'],
  boolean: ['boolean'],
  int: ['integer'],
  count: ['bigint'],
  money: ['numeric'],
  share: ['numeric'],
  date: ['date'],
  timestamp: ['timestamp with time zone'],
}

const category: Row = {
  user_id: 'user-1',
  category_id: 'c-1',
  name: 'Pets',
  status: 'active',
  created_at: 1000,
  updated_at: 1000,
  version: 1,
}
const renamed = { ...category, name: 'Animals', version: 2 }

/** The key of a category alone. */
function keyOf({ user_id = null, category_id = null }: Row): Row {
  return { user_id, category_id }
}

const daily: Row = {
  user_id: 'user-1',
  booked_on: 20_000,
  category_id: 'groceries',
  currency: 'NOK',
  total_minor: 500n,
  transaction_count: 1,
}
const taken = { ...daily, total_minor: -500n, transaction_count: -1 }

const archived: Row = {
  user_id: 'user-1',
  sequence: 1,
  event_id: LOG,
  aggregate_type: 'account',
  aggregate_id: 'a-1',
  version: 1,
  event_type: 'AccountOpened',
  occurred_at: 1000,
  recorded_at: 1000,
  command_id: 'command-1',
  partition: 0,
  offset: 0,
  event: Buffer.from('sealed'),
}

const month: Row = {
  user_id: 'user-1',
  month: '2026-03',
  category_id: 'groceries',
  currency: 'NOK',
  budget_id: null,
  budget_version: null,
  standing: false,
  name: null,
  amount_minor: null,
  thresholds: [],
  latched: [],
  spent_minor: 500n,
  transaction_count: 1,
  updated_at: 1000,
}
const held = { ...month, user_id: 'user-2', budget_id: 'b-1', amount_minor: 900n }

const outcome: Row = {
  user_id: 'user-1',
  command_id: 'command-1',
  verdict: 'duplicate',
  recorded_at: 1000,
  partition: 0,
  command_offset: 7,
  aggregate_type: null,
  aggregate_id: null,
  version: null,
  event_ids: [],
  first_sequence: null,
  path: null,
  code: null,
  sentence: null,
}
const better = { ...outcome, verdict: 'accepted', event_ids: [LOG] }

describePostgres('the table store', (database) => {
  let pool: pg.Pool
  let store: TableStore
  let epoch: bigint
  beforeAll(() => {
    pool = openPool(database.url, { role: 'test', max: 2 })
    store = postgresTableStore(database.url, 'test-tables')
  })
  afterAll(() => Promise.all([pool.end(), store.close()]))
  beforeEach(async () => {
    await pool.query(`TRUNCATE progress, ${tableNames.join(', ')}`)
    epoch = (await store.takeOver(CONSUMERS, 0, LOG))[0]?.epoch ?? 0n
  })

  const move = (from: bigint, to: bigint, changes: Partial<TableMove> = {}): TableMove => ({
    consumer: 'tables:one',
    epoch,
    from,
    to,
    lastEventId: `event before ${to}`,
    ...changes,
  })
  let at = 0n
  beforeEach(() => {
    at = 0n
  })
  const write = (...writes: readonly TableWrite[]): Promise<void> =>
    store.apply({ partition: 0, moves: [move(at, ++at)], writes })

  async function progress(): Promise<readonly unknown[]> {
    const { rows } = await pool.query<{ consumer: string; at: string; event: string | null }>(
      'SELECT consumer, next_offset::text AS at, last_event_id AS event FROM progress ORDER BY 1',
    )
    return rows.map((row) => `${row.consumer} ${row.at} ${row.event}`)
  }
  const untouched = ['tables:one 0 null', 'tables:two 0 null']

  describe.each(Object.entries<Table>(tables))('its definition of %s', (name, table) => {
    test('agrees with the database: names, types and what makes a row unique', async () => {
      const columns = await pool.query<{ name: string; type: string }>(
        `SELECT column_name AS name, data_type AS type FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position`,
        [name],
      )
      expect(columns.rows.map((column) => column.name)).toEqual(columnsOf(table))
      for (const column of columns.rows) {
        expect(sqlTypes[table.columns[column.name] ?? 'text'], column.name).toContain(column.type)
      }
      const unique = await pool.query<{ columns: string[] }>(
        `SELECT array_agg(a.attname::text ORDER BY a.attnum) AS columns FROM pg_index i
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = $1::regclass AND i.indisunique GROUP BY i.indexrelid`,
        [name],
      )
      // A unique index on a hypertable has to contain the time.
      const key = [...table.key, ...(table.appendedAt === undefined ? [] : [table.appendedAt])]
      expect(unique.rows.map((index) => index.columns.toSorted())).toEqual([key.toSorted()])
    })

    test('takes every value through COPY, SQL and back', async () => {
      const { rows: columns } = await pool.query<{ name: string }>(
        `SELECT column_name AS name FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = $1 AND is_nullable = 'YES'`,
        [name],
      )
      const nullable = new Set(columns.map((column) => column.name))
      const someRows = fc.uniqueArray(
        arbitraryRow(table, (column) => nullable.has(column)),
        {
          selector: (row) => keyText(table, row),
          maxLength: 30,
        },
      )
      const mode = table.appendedAt === undefined ? 'upsert' : 'append'
      const comesBack = fc.asyncProperty(someRows, async (rows) => {
        await pool.query(`TRUNCATE ${name}`)
        await write({ table: table.name as 'events', mode, rows })
        const byKey = (row: Row): string => keyText(table, row)
        const sorted = (some: readonly Row[]) =>
          some.toSorted((a, b) => (byKey(a) < byKey(b) ? -1 : 1))
        expect(sorted(await rowsOf(pool, table.name as 'events'))).toEqual(sorted(rows))
      })
      await fc.assert(comesBack, { numRuns: 10 })
    })
  })

  test('reads the rows with these keys, whatever is in them, and nothing for the rest', async () => {
    const odd: Row = { ...category, category_id: `{"a",\\}'` }
    await write({ table: 'categories', mode: 'upsert', rows: [category, odd] })
    const keys = [odd, category, { ...category, category_id: 'none' }].map(keyOf)
    const found = await store.read('categories', keys)
    expect(found).toHaveLength(2)
    expect(found).toEqual(expect.arrayContaining([odd, category]))
    expect(await store.read('categories', [])).toEqual([])
    expect(await store.read('categories', [{ user_id: 'user-2', category_id: 'c-1' }])).toEqual([])
  })

  describe('a write', () => {
    test('that appends adds rows', async () => {
      await write({ table: 'events', mode: 'append', rows: [archived] })
      await write({ table: 'events', mode: 'append', rows: [{ ...archived, sequence: 2 }] })
      expect(await rowsOf(pool, 'events')).toEqual([archived, { ...archived, sequence: 2 }])
    })

    test('that upserts replaces the row with its key and no other', async () => {
      const other = { ...category, category_id: 'c-2' }
      await write({ table: 'categories', mode: 'upsert', rows: [category, other] })
      await write({ table: 'categories', mode: 'upsert', rows: [renamed] })
      expect(await rowsOf(pool, 'categories')).toEqual([renamed, other])
    })

    test('that upserts removes what is gone, and does not mind when it was never there', async () => {
      const other = { ...category, category_id: 'c-2' }
      await write({ table: 'categories', mode: 'upsert', rows: [category, other] })
      const removed = [category, { ...category, category_id: 'c-3' }].map(keyOf)
      await write({ table: 'categories', mode: 'upsert', rows: [], removed })
      expect(await rowsOf(pool, 'categories')).toEqual([other])
    })

    test('that adds makes sums grow and shrink', async () => {
      await write({ table: 'daily_aggregates', mode: 'add', rows: [daily] })
      await write({ table: 'daily_aggregates', mode: 'add', rows: [daily] })
      const twice = { ...daily, total_minor: 1000n, transaction_count: 2 }
      expect(await rowsOf(pool, 'daily_aggregates')).toEqual([twice])
      await write({ table: 'daily_aggregates', mode: 'add', rows: [taken] })
      expect(await rowsOf(pool, 'daily_aggregates')).toEqual([daily])
    })

    test('that adds takes a row away when its count comes to zero, at once too', async () => {
      const other = { ...daily, currency: 'EUR' }
      await write({ table: 'daily_aggregates', mode: 'add', rows: [daily, other] })
      await write({ table: 'daily_aggregates', mode: 'add', rows: [taken] })
      const nothing = { ...daily, currency: 'JPY', total_minor: 0n, transaction_count: 0 }
      await write({ table: 'daily_aggregates', mode: 'add', rows: [nothing] })
      expect(await rowsOf(pool, 'daily_aggregates')).toEqual([other])
    })

    test('that adds to whole rows begins them, stamps them anew, and takes them away at zero', async () => {
      const budgets = (...added: Row[]): TableWrite => ({
        table: 'budget_status',
        mode: 'upsert',
        rows: [],
        added,
      })
      const more = { ...month, spent_minor: 70n, updated_at: 3000 }
      const other = { ...month, month: '2026-04' }
      await write(budgets(month, other))
      await write(budgets(more, { ...other, spent_minor: -500n, transaction_count: -1 }))
      expect(await rowsOf(pool, 'budget_status')).toEqual([
        { ...month, spent_minor: 570n, transaction_count: 2, updated_at: 3000 },
      ])
    })

    test('that binds tells of its user when asked who is bound, and of nobody else', async () => {
      await write({ table: 'budget_status', mode: 'upsert', rows: [], fresh: [month, held] })
      const users = new Set(['user-1', 'user-2', 'user-3'])
      expect(await store.readBinding('budget_status', users)).toEqual(new Set(['user-2']))
      expect(await store.readBinding('budget_status', new Set(['user-1']))).toEqual(new Set())
    })

    test('that keeps leaves the first row, unless it gives way', async () => {
      await write({ table: 'command_outcomes', mode: 'keep', rows: [outcome] })
      await write({ table: 'command_outcomes', mode: 'keep', rows: [{ ...outcome, code: 'no' }] })
      expect(await rowsOf(pool, 'command_outcomes')).toEqual([outcome])
      await write({ table: 'command_outcomes', mode: 'keep', rows: [better] })
      expect(await rowsOf(pool, 'command_outcomes')).toEqual([better])
      for (const verdict of ['rejected', 'duplicate', 'accepted']) {
        const later = { ...outcome, verdict }
        await write({ table: 'command_outcomes', mode: 'keep', rows: [later] })
      }
      expect(await rowsOf(pool, 'command_outcomes')).toEqual([better])
    })
  })

  test('rows that are kept beside one that was there already are all written, with the rest of their batch', async () => {
    await write({ table: 'command_outcomes', mode: 'keep', rows: [outcome] })
    const others = [1, 2].map((n) => ({
      ...outcome,
      command_id: `command-9${n}`,
      verdict: 'failed',
    }))
    await write(
      { table: 'categories', mode: 'upsert', rows: [category] },
      { table: 'command_outcomes', mode: 'keep', rows: [...others, better] },
    )
    expect(await rowsOf(pool, 'command_outcomes')).toEqual([better, ...others])
    expect(await rowsOf(pool, 'categories')).toEqual([category])
    expect((await progress())[0]).toBe('tables:one 2 event before 2')
  })

  describe('progress', () => {
    test('starts at nothing, and a new owner is told how far it came, with a higher epoch', async () => {
      const [first] = await store.takeOver(['tables:new'], 3, LOG)
      expect(first).toMatchObject({ offset: 0n, lastEventId: undefined })
      await store.apply({ partition: 0, moves: [move(0n, 5n)], writes: [] })
      expect(await store.takeOver(CONSUMERS, 0, LOG)).toEqual([
        {
          consumer: 'tables:one',
          epoch: epoch + 1n,
          tellsFrom: 0n,
          offset: 5n,
          lastEventId: 'event before 5',
        },
        {
          consumer: 'tables:two',
          epoch: epoch + 1n,
          tellsFrom: 0n,
          offset: 0n,
          lastEventId: undefined,
        },
      ])
    })

    test('of another log is refused', async () => {
      const other = LOG.replace('1', '2').replace(/1$/, '2')
      await expect(store.takeOver(CONSUMERS, 0, other)).rejects.toMatchObject({
        code: 'SALDO_LOG_MISMATCH',
      })
    })

    test('moves with every consumer of the batch or with none', async () => {
      const moves = [move(0n, 3n), move(0n, 3n, { consumer: 'tables:two', lastEventId: undefined })]
      await store.apply({ partition: 0, moves, writes: [] })
      expect(await progress()).toEqual(['tables:one 3 event before 3', 'tables:two 3 null'])
      const second = move(2n, 4n, { consumer: 'tables:two' })
      await expect(
        store.apply({ partition: 0, moves: [move(3n, 4n), second], writes: [] }),
      ).rejects.toMatchObject({ code: 'SALDO_LEASE_FENCED' })
      expect(await progress()).toEqual(['tables:one 3 event before 3', 'tables:two 3 null'])
    })

    test('keeps an event id apart from the SQL around it', async () => {
      await store.apply({
        partition: 0,
        moves: [move(0n, 1n, { lastEventId: `'); -- \\'` })],
        writes: [],
      })
      expect((await progress())[0]).toBe(`tables:one 1 '); -- \\'`)
    })

    const writes: readonly TableWrite[] = [
      { table: 'events', mode: 'append', rows: [archived] },
      { table: 'categories', mode: 'upsert', rows: [category] },
      { table: 'daily_aggregates', mode: 'add', rows: [daily] },
      { table: 'command_outcomes', mode: 'keep', rows: [outcome] },
    ]

    async function expectNothingWritten(): Promise<void> {
      expect(await progress()).toEqual(untouched)
      for (const name of tableNames) expect(await rowsOf(pool, name), name).toEqual([])
    }

    test.each([
      ['of an older epoch', { epoch: -1n }],
      ['of a newer epoch', { epoch: 99n }],
      ['from another offset', { from: 1n }],
      ['of a consumer that there is not', { consumer: 'tables:none' }],
    ])('%s is SALDO_LEASE_FENCED, and nothing is written', async (_, changes) => {
      const moves = [move(0n, 2n, changes)]
      await expect(store.apply({ partition: 0, moves, writes })).rejects.toMatchObject({
        code: 'SALDO_LEASE_FENCED',
        retryable: true,
      })
      await expectNothingWritten()
      await store.apply({ partition: 0, moves: [move(0n, 2n)], writes })
      expect(await rowsOf(pool, 'categories')).toEqual([category])
    })

    test('an owner whose events were appended by a newer one is fenced, not told of a duplicate', async () => {
      const newer = postgresTableStore(database.url, 'test-newer')
      const [taken] = await newer.takeOver(CONSUMERS, 0, LOG)
      const moves = [move(0n, 1n, { epoch: taken?.epoch ?? 0n })]
      await newer.apply({ partition: 0, moves, writes })
      await newer.close()
      await expect(
        store.apply({ partition: 0, moves: [move(0n, 1n)], writes }),
      ).rejects.toMatchObject({ code: 'SALDO_LEASE_FENCED' })
      expect(await rowsOf(pool, 'daily_aggregates')).toEqual([daily])
    })

    test('a duplicate of this owner itself is no newer owner', async () => {
      await write({ table: 'events', mode: 'append', rows: [archived] })
      await expect(
        write({ table: 'events', mode: 'append', rows: [archived] }),
      ).rejects.toMatchObject({ code: '23505' })
    })

    test('a statement that fails leaves nothing, and the store works afterwards', async () => {
      const bad: TableWrite[] = [
        { table: 'categories', mode: 'upsert', rows: [{ ...category, status: null }] },
        { table: 'categories', mode: 'upsert', rows: [category, category] },
        { table: 'events', mode: 'append', rows: [{ ...archived, event_id: 'no uuid' }] },
      ]
      for (const one of bad) {
        const batch = { partition: 0, moves: [move(0n, 1n)], writes: [...writes, one] }
        await expect(store.apply(batch)).rejects.toThrow()
        await expectNothingWritten()
      }
      await store.apply({ partition: 0, moves: [move(0n, 1n)], writes })
      expect(await progress()).toEqual(['tables:one 1 event before 1', 'tables:two 0 null'])
    })

    test('a connection that ends in the middle leaves nothing, and the next batch has another', async () => {
      await store.apply({ partition: 0, moves: [], writes: [] })
      const admin = new pg.Client(database.url)
      await admin.connect()
      await admin.query('BEGIN; LOCK categories')
      const applying = expect(
        store.apply({ partition: 0, moves: [move(0n, 1n)], writes }),
      ).rejects.toMatchObject({ code: 'SALDO_DATABASE_UNAVAILABLE', retryable: true })
      const end = `SELECT count(pg_terminate_backend(pid, 5000))::int AS ended FROM pg_stat_activity
        WHERE application_name LIKE '%:test-tables-write' AND wait_event_type = 'Lock' AND datname = current_database()`
      while ((await admin.query<{ ended: number }>(end)).rows[0]?.ended === 0);
      await applying
      await admin.query('ROLLBACK')
      await admin.end()
      await expectNothingWritten()
      await store.apply({ partition: 0, moves: [move(0n, 1n)], writes })
      expect(await rowsOf(pool, 'events')).toEqual([archived])
    })
  })

  test('a database that is away is a SaldoError that may be tried again', async () => {
    const away = postgresTableStore('postgres://nobody@127.0.0.1:1/none', 'test')
    const attempts = [
      () => away.takeOver(CONSUMERS, 0, LOG),
      () => away.read('categories', [category]),
      () => away.apply({ partition: 0, moves: [move(0n, 1n)], writes: [] }),
    ]
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'SALDO_DATABASE_UNAVAILABLE',
        retryable: true,
      })
    }
    await away.close()
  })
})
