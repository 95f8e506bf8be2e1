import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReadConnections, type ReadConnections } from '../../sink/queries-connection.ts'
import { WalledQuery } from '../../sink/walled-query.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('a connection of the read side', (database) => {
  let connections: ReadConnections
  beforeAll(async () => {
    const admin = new pg.Client(database.url)
    await admin.connect()
    // The role may not signal, not even itself where it is a superuser that became it.
    for (const [name, signal] of [
      ['cancel_me', 'pg_cancel_backend'],
      ['end_me', 'pg_terminate_backend'],
    ]) {
      await admin.query(
        `CREATE FUNCTION ${name}() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS 'SELECT ${signal}(pg_backend_pid())'`,
      )
    }
    await admin.end()
    connections = openReadConnections(database.url, { role: 'test', max: 1 })
  })
  afterAll(() => connections.close())

  const rows = (text: string): Promise<readonly object[]> =>
    connections.rows('ana', { text, values: [] })

  test('cannot write, whatever its SQL says', async () => {
    await expect(rows('DELETE FROM accounts')).rejects.toThrow('read-only transaction')
    await expect(rows('CREATE TEMP TABLE notes ()')).rejects.toThrow('read-only transaction')
  })

  test('lets no statement run for longer than five seconds', async () => {
    expect(await rows('SHOW statement_timeout')).toEqual([{ statement_timeout: '5s' }])
  })

  test('that was cancelled is a database that is away, and can be tried again', async () => {
    const cancelled = rows('SELECT cancel_me(), pg_sleep(5)')
    await expect(cancelled).rejects.toMatchObject({
      code: 'SALDO_DATABASE_UNAVAILABLE',
      retryable: true,
      message: 'the database did not answer within 5 s',
    })
  })

  test('that is lost is replaced by one with the same limits', async () => {
    const lost = rows('SELECT end_me(), pg_sleep(5)')
    await expect(lost).rejects.toMatchObject({ code: 'SALDO_DATABASE_UNAVAILABLE' })
    await expect(rows('CREATE TEMP TABLE notes ()')).rejects.toThrow('read-only transaction')
  })

  test('is given back after an error in the SQL', async () => {
    await expect(rows('SELECT no_such_column')).rejects.toThrow('no_such_column')
    expect(await rows('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('is of the user of the query, and of nobody afterwards', async () => {
    const text = 'SELECT saldo_user() AS one'
    const asked = await Promise.all(
      ['ana', 'ben', 'ana'].map((user) => connections.rows(user, { text, values: [] })),
    )
    expect(asked).toEqual([[{ one: 'ana' }], [{ one: 'ben' }], [{ one: 'ana' }]])
    expect(await connections.shared({ text, values: [] })).toEqual([{ one: null }])
  })

  test('knows its user only until the end of the query', async () => {
    const client = new pg.Client(database.url)
    await client.connect()
    const text = 'SELECT saldo_user() AS one'
    const { promise, resolve, reject } = Promise.withResolvers<readonly object[]>()
    client.query(
      new WalledQuery({
        userId: 'ana',
        text,
        values: [],
        query_timeout: 5_000,
        callback: (error, result) => (error === null ? resolve(result?.rows ?? []) : reject(error)),
      }),
    )
    expect(await promise).toEqual([{ one: 'ana' }])
    expect((await client.query(text)).rows).toEqual([{ one: null }])
    await client.end()
  })

  test('gives rows with values of exact types, and none where there are none', async () => {
    const statement = {
      text: 'SELECT $1::bigint AS big, $2::numeric AS exact WHERE $3',
      values: [9_007_199_254_740_993n, '0.10', true],
    }
    const found = [{ big: 9_007_199_254_740_993n, exact: '0.10' }]
    expect(await connections.rows('ana', statement)).toEqual(found)
    const none = { ...statement, values: [1n, '1', false] }
    expect(await connections.rows('ana', none)).toEqual([])
  })
})
