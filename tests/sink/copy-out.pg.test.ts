import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { copyOut } from '../../sink/postgres/copy-out.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('COPY to here', (database) => {
  let pool: pg.Pool
  beforeAll(() => {
    // With one connection, what the last one left open would be met by the next.
    pool = openPool(database.url, { role: 'test-copy-out', max: 1 })
  })
  afterAll(() => pool.end())

  test('brings bytes as they are, numbers in eight, and tells nothing from empty', async () => {
    const rows = await copyOut(
      pool,
      `SELECT * FROM (VALUES (1::bigint, '\\x00ff5c'::bytea), (-2, ''), (3, NULL)) AS made ORDER BY 1`,
    )
    expect(rows.map(([n, bytes]) => [n?.readBigInt64BE(0), bytes?.toString('hex')])).toEqual([
      [-2n, ''],
      [1n, '00ff5c'],
      [3n, undefined],
    ])
  })

  test('brings no rows where there are none', async () => {
    expect(await copyOut(pool, 'SELECT 1 WHERE false')).toEqual([])
  })

  test('brings rows of many megabytes whole', async () => {
    const bytes = randomBytes(100_000)
    const rows = await copyOut(
      pool,
      `SELECT '\\x${bytes.toString('hex')}'::bytea FROM generate_series(1, 100)`,
    )
    expect(rows).toHaveLength(100)
    expect(rows.every(([found]) => found?.equals(bytes))).toBe(true)
  })

  test('a statement that fails rejects, and the next one works', async () => {
    await expect(copyOut(pool, 'SELECT 1/0')).rejects.toMatchObject({ code: '22012' })
    await expect(copyOut(pool, 'nonsense')).rejects.toMatchObject({ code: '42601' })
    expect(await copyOut(pool, 'SELECT 1')).toHaveLength(1)
  })

  test('a connection that ends in the middle rejects, and the next one works', async () => {
    const ended = 'SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)'
    await expect(copyOut(pool, ended)).rejects.toThrow()
    expect(await copyOut(pool, 'SELECT 1')).toHaveLength(1)
  })
})
