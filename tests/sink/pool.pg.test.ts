import { once } from 'node:events'
import { createServer } from 'node:net'
import pg from 'pg'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SaldoError } from '../../schemas/errors.ts'
import {
  asSaldoError,
  byKeyOnly,
  openPool,
  type SessionSettings,
} from '../../sink/postgres/pool.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres(
  'a pool',
  (database) => {
    let pool: pg.Pool

    beforeEach(() => {
      pool = openPool(database.url, { role: 'test', max: 2 })
    })

    afterEach(() => pool.end())

    test('reads every digit of a number and every day as itself', async () => {
      const { rows } = await pool.query(
        `SELECT 9223372036854775807::int8 AS whole, ARRAY[9007199254740993::int8, NULL] AS wholes,
                1.10::numeric AS exact, DATE '2026-03-29' AS day, ARRAY[DATE '2026-03-29'] AS days`,
      )
      expect(rows).toEqual([
        {
          whole: 9223372036854775807n,
          wholes: [9007199254740993n, null],
          exact: '1.10',
          day: '2026-03-29',
          days: ['2026-03-29'],
        },
      ])
      const other = new pg.Client(database.url)
      await other.connect()
      expect((await other.query('SELECT 1::int8 AS text')).rows).toEqual([{ text: '1' }])
      await other.end()
    })

    test('reads a time to the millisecond, and one that is no date as pg does', async () => {
      const times = [
        '2026-03-29 01:02:03.004',
        '2026-03-29 01:02:03',
        '1969-12-31 23:59:59.9',
        '0001-01-01 00:00:00',
      ]
      const { rows } = await pool.query<{ time: unknown; ms: bigint }>(
        'SELECT t::timestamptz AS time, (extract(epoch FROM t::timestamptz) * 1000)::int8 AS ms FROM unnest($1::text[]) AS t',
        [times],
      )
      expect(rows.map(({ time }) => time)).toEqual(rows.map(({ ms }) => new Date(Number(ms))))
      const odd = await pool.query(
        `SELECT 'infinity'::timestamptz AS never, '12026-01-01'::timestamptz AS late,
                '2026-03-29 01:02:03.004999'::timestamptz AS micros`,
      )
      expect(odd.rows).toEqual([
        {
          never: Infinity,
          late: new Date('+012026-01-01'),
          micros: new Date('2026-03-29T01:02:03.004Z'),
        },
      ])
    })

    test('commits durably, in UTC and under its own name, whatever the database and the URL say', async () => {
      const url = new URL(database.url)
      url.searchParams.set('application_name', 'mine')
      url.searchParams.set('options', '-c synchronous_commit=off -c work_mem=5MB')
      const named = openPool(url.href, { role: 'tables', max: 1 })
      const { rows } = await named.query(
        `SELECT current_setting('synchronous_commit') AS commit, current_setting('timezone') AS zone,
                current_setting('work_mem') AS memory, current_setting('application_name') AS name`,
      )
      await named.end()
      const name = `saldo:${process.pid}:tables`
      expect(rows).toEqual([{ commit: 'on', zone: 'UTC', memory: '5MB', name }])
    })

    test('for keys looks rows up by their index, also in a table that was empty when it was planned', async () => {
      const plans = async (session: SessionSettings): Promise<string> => {
        const one = openPool(database.url, { role: 'test', max: 1, session })
        await one.query('CREATE TEMPORARY TABLE small (id text PRIMARY KEY)')
        await one.query('ANALYZE small')
        await one.query('PREPARE wanted AS SELECT id FROM small WHERE id = ANY ($1)')
        const { rows } = await one.query(`EXPLAIN EXECUTE wanted('{a,b}')`)
        await one.end()
        return JSON.stringify(rows)
      }
      expect(await plans({})).toContain('Seq Scan')
      expect(await plans(byKeyOnly)).not.toContain('Seq Scan')
    })

    test('survives the loss of an idle connection', async () => {
      const { rows } = await pool.query('SELECT pg_backend_pid() AS pid')
      const killer = new pg.Client(database.url)
      await killer.connect()
      await killer.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
      await killer.end()
      // Not by its 'error' event: a listener of this test's would stand in for the pool's own.
      await vi.waitFor(() => expect(pool.totalCount).toBe(0))
      expect(await pool.query('SELECT 1')).toMatchObject({ rowCount: 1 })
    })

    test('a lent client whose connection ends while it does nothing ends nothing else', async () => {
      const client = await pool.connect()
      // Not by once(), which would listen for the error in the pool's stead.
      const ended = new Promise<void>((resolve) => void client.on('end', () => resolve()))
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
      await ended
      client.release(true)
      expect(await pool.query('SELECT 1')).toMatchObject({ rowCount: 1 })
    })

    test('a connection lost in the middle of a query is an error worth a retry', async () => {
      const error = await failure(pool.query('SELECT pg_terminate_backend(pg_backend_pid())'))
      expect(error).toMatchObject({ code: 'SALDO_DATABASE_UNAVAILABLE', retryable: true })
    })

    test.for([
      ['53100', 'a full disk'],
      ['53200', 'no memory left'],
      ['53300', 'too many connections'],
      ['58030', 'a disk that fails'],
    ] as const)('%s, %s, is an error worth a retry', async ([code]) => {
      const raise = `DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '${code}'; END $$`
      const error = await failure(pool.query(raise))
      expect(error).toMatchObject({ code: 'SALDO_DATABASE_UNAVAILABLE', retryable: true })
    })

    test('a refused password is an error of the setup, and not worth a retry', async () => {
      const url = new URL(database.url)
      url.password = 'wrong'
      const refused = openPool(url.href, { role: 'test', max: 1 })
      const error = await failure(refused.query('SELECT 1'))
      expect(error).toMatchObject({ code: 'SALDO_DATABASE_SETUP', retryable: false })
      await refused.end()
    })

    test('an error of a statement stays what it is', async () => {
      expect(await failure(pool.query('SELECT nonsense'))).toBeInstanceOf(pg.DatabaseError)
    })
  },
  { empty: true },
)

test('a server that is not there is an error worth a retry', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  const port = typeof address === 'object' ? address?.port : undefined
  const pool = openPool(`postgresql://postgres@127.0.0.1:${port}/saldo`, { role: 'test', max: 1 })
  const error = await failure(pool.query('SELECT 1'))
  expect(error).toBeInstanceOf(SaldoError)
  expect(error).toMatchObject({ code: 'SALDO_DATABASE_UNAVAILABLE', retryable: true })
  await pool.end()
})

async function failure(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    return asSaldoError(error)
  }
  throw new Error('nothing failed')
}
