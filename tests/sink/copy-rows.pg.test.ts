import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ColumnValue } from '../../sink/binary-fields.ts'
import { copyInto } from '../../sink/copy-rows.ts'
import { connect } from '../../sink/postgres/connection.ts'
import { describePostgres } from '../support/postgres.ts'

const MEGABYTE = 1 << 20
const TARGET = 'copied (n, words, amount, whole, share, yes, bytes, list, id, day, at)'
const TYPES = [
  'int',
  'text',
  'money',
  'count',
  'share',
  'boolean',
  'bytes',
  'texts',
  'uuid',
  'date',
  'timestamp',
] as const

/** PostgreSQL takes every character but NUL; half a surrogate pair is no character. */
const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\0', '')),
  fc.string({ unit: fc.constantFrom('\\', '\t', '\n', '\r', 'N', '.', '"', '{', '}', ',', ' ') }),
)
const row = fc.record({
  words: fc.option(words),
  amount: fc.option(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })),
  whole: fc.option(fc.maxSafeInteger()),
  share: fc.option(fc.integer({ min: -(10 ** 6), max: 10 ** 9 }).map((parts) => parts / 10_000)),
  yes: fc.option(fc.boolean()),
  bytes: fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))),
  list: fc.option(fc.array(words, { maxLength: 5 })),
  id: fc.option(fc.uuid()),
  day: fc.option(fc.integer({ min: -700_000, max: 2_900_000 })),
  at: fc.option(fc.integer({ min: -6 * 10 ** 13, max: 2 * 10 ** 14 })),
})

describePostgres('COPY', (database) => {
  let client: pg.Client
  beforeAll(async () => {
    ;({ client } = await connect(database.url, 'test-copy'))
    await client.query(`CREATE TABLE copied
      (n int, words text, amount numeric, whole bigint, share numeric, yes boolean, bytes bytea, list text[],
       id uuid, day date, at timestamptz)`)
  })
  afterAll(() => client.end())
  beforeEach(() => client.query('TRUNCATE copied'))

  async function count(): Promise<number | undefined> {
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM copied')
    return rows[0]?.n
  }

  test('every value comes back as it was', async () => {
    const cameBack = fc.asyncProperty(
      fc.array(row, { maxLength: 200, size: 'max' }),
      async (rows) => {
        await client.query('TRUNCATE copied')
        const lines = rows.map((one, n): ColumnValue[] => [
          n,
          one.words,
          one.amount,
          one.whole,
          one.share,
          one.yes,
          one.bytes,
          one.list,
          one.id,
          one.day,
          one.at,
        ])
        await copyInto(client, TARGET, TYPES, lines)
        const stored = await client.query(
          `SELECT words, amount, whole, share::float8, yes, bytes, list, id, day - '1970-01-01' AS day,
                  (extract(epoch FROM at) * 1000)::float8 AS at FROM copied ORDER BY n`,
        )
        const expected = rows.map((one) => ({
          ...one,
          amount: one.amount === null ? null : String(one.amount),
          whole: one.whole === null ? null : BigInt(one.whole),
        }))
        expect(stored.rows).toEqual(expected)
      },
    )
    await fc.assert(cameBack, { numRuns: 20 })
  })

  test('no rows are no rows', async () => {
    await copyInto(client, TARGET, TYPES, [])
    expect(await count()).toBe(0)
  })

  test('half a surrogate pair is stored as the replacement character and breaks nothing', async () => {
    await copyInto(client, 'copied (words)', ['text'], [['a\ud83d'], ['\ude00b']])
    const { rows } = await client.query('SELECT words FROM copied')
    expect(rows).toEqual([{ words: 'a\ufffd' }, { words: '\ufffdb' }])
  })

  test('a row that the server refuses rejects, stores nothing, and the connection goes on', async () => {
    for (const [target, bad] of [
      ['copied (n)', 'no number'],
      ['copied (words)', 'NUL \0'],
    ] as const) {
      const rows: ColumnValue[][] = [['1'], [bad], ['2']]
      await expect(copyInto(client, target, ['text'], rows)).rejects.toMatchObject({
        severity: 'ERROR',
      })
      expect(await count()).toBe(0)
    }
    await copyInto(client, 'copied (n)', ['int'], [[1]])
    expect(await count()).toBe(1)
  })

  test('a bad row at the head of many megabytes rejects, and the connection goes on', async () => {
    await expect(copyInto(client, 'copied (n)', ['text'], bigRows(20))).rejects.toMatchObject({
      code: '22P03',
    })
    await copyInto(client, 'copied (n)', ['int'], [[1]])
    expect(await count()).toBe(1)
  })

  test.each([0, 5])(
    'rows that fail after %s MB reject with their error, and the connection goes on',
    async (megabytes) => {
      const failure = new Error('the rows failed')
      const rows = (function* (): Generator<ColumnValue[]> {
        yield* bigRows(megabytes)
        throw failure
      })()
      await expect(copyInto(client, 'copied (words)', ['text'], rows)).rejects.toBe(failure)
      await copyInto(client, 'copied (n)', ['int'], [[1]])
      expect(await count()).toBe(1)
    },
  )

  test('a table that is not there rejects, and the connection goes on', async () => {
    await expect(copyInto(client, 'nowhere (n)', ['text'], bigRows(2))).rejects.toMatchObject({
      code: '42P01',
    })
    expect(await count()).toBe(0)
  })

  test('a connection that ends in the middle rejects', async () => {
    const { client: other } = await connect(database.url, 'test-copy-lost')
    const { rows } = await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    // The row that is refused would be the last: the end comes first.
    await client.query('BEGIN; LOCK copied')
    const copying = expect(
      copyInto(other, 'copied (words)', ['text'], bigRows(1)),
    ).rejects.toThrow()
    await client.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid])
    await client.query('ROLLBACK')
    await copying
    await other.end()
  })

  test('50 MB are read from their source only as fast as they are sent', async () => {
    let made = 0
    const rows = (function* (): Generator<ColumnValue[]> {
      for (const one of bigRows(50)) {
        made++
        yield one
      }
    })()
    await client.query('BEGIN; LOCK copied')
    const other = await connect(database.url, 'test-copy-slow')
    const copying = copyInto(other.client, 'copied (words)', ['text'], rows)
    // The server waits for the lock and takes nothing: what is made is what fits on the way.
    const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE application_name LIKE '%:test-copy-slow' AND wait_event_type = 'Lock'`
    while ((await client.query<{ n: number }>(waiting)).rows[0]?.n === 0);
    expect(made).toBeLessThan(10)
    await client.query('COMMIT')
    await copying
    expect(made).toBe(50)
    const stored = await client.query('SELECT sum(length(words))::text AS bytes FROM copied')
    expect(stored.rows).toEqual([{ bytes: String(50 * MEGABYTE) }])
    await other.client.end()
  })
})

function* bigRows(megabytes: number): Generator<ColumnValue[]> {
  for (let n = 0; n < megabytes; n++) yield [String(n % 10).repeat(MEGABYTE - 1) + 'x']
}
