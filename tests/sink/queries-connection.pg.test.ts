import { afterAll, beforeAll, expect, test } from 'vitest'
import { openReadConnections, type ReadConnections } from '../../sink/queries-connection.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('a connection of the read side', (database) => {
  let connections: ReadConnections
  beforeAll(() => {
    connections = openReadConnections(database.url, { role: 'test', max: 1 })
  })
  afterAll(() => connections.close())

  const rows = (text: string): Promise<readonly object[]> => connections.rows({ text, values: [] })

  test('cannot write, whatever its SQL says', async () => {
    await expect(rows('DELETE FROM accounts')).rejects.toThrow('read-only transaction')
  })

  test('lets no statement run for longer than five seconds', async () => {
    expect(await rows('SHOW statement_timeout')).toEqual([{ statement_timeout: '5s' }])
  })

  test('that was cancelled is a database that is away, and can be tried again', async () => {
    const cancelled = rows('SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(5)')
    await expect(cancelled).rejects.toMatchObject({
      code: 'SALDO_DATABASE_UNAVAILABLE',
      retryable: true,
      message: 'the database did not answer within 5 s',
    })
  })

  test('that is lost is replaced by one with the same limits', async () => {
    const lost = rows('SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)')
    await expect(lost).rejects.toMatchObject({ code: 'SALDO_DATABASE_UNAVAILABLE' })
    await expect(rows('DELETE FROM accounts')).rejects.toThrow('read-only transaction')
  })

  test('is given back after an error in the SQL', async () => {
    await expect(rows('SELECT no_such_column')).rejects.toThrow('no_such_column')
    expect(await rows('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})
