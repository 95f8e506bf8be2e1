import type pg from 'pg'
import { SaldoError } from '../schemas/errors.ts'
import { asSaldoError, openPool } from './postgres/pool.ts'

const STATEMENT_TIMEOUT_MS = 5_000
/** For a server that does not answer at all, not even that it ran out of time. */
const ANSWER_TIMEOUT_MS = 7_000
const QUERY_CANCELED = '57014'

export type Statement = { readonly text: string; readonly values: readonly unknown[] }

/** Connections that can only read, and not for longer than five seconds. */
export type ReadConnections = {
  rows<Row extends pg.QueryResultRow>(statement: Statement): Promise<readonly Row[]>
  close(): Promise<void>
}

export function openReadConnections(
  databaseUrl: string,
  options: { readonly role: string; readonly max: number },
): ReadConnections {
  const pool = openPool(databaseUrl, options)
  const limited = new WeakSet<pg.PoolClient>()

  async function limit(client: pg.PoolClient): Promise<void> {
    if (limited.has(client)) return
    await client.query(
      `SET statement_timeout = ${STATEMENT_TIMEOUT_MS}; SET default_transaction_read_only = on`,
    )
    limited.add(client)
  }
  async function rows<Row extends pg.QueryResultRow>(statement: Statement): Promise<Row[]> {
    let client: pg.PoolClient | undefined
    try {
      client = await pool.connect()
      await limit(client)
      const query = {
        text: statement.text,
        values: [...statement.values],
        query_timeout: ANSWER_TIMEOUT_MS,
      }
      const result = await client.query<Row>(query)
      client.release()
      return result.rows
    } catch (error) {
      // A connection with a failed or unanswered query is not given to the next request.
      client?.release(true)
      throw readError(error)
    }
  }
  return { rows, close: () => pool.end() }
}

function readError(error: unknown): Error {
  const isTimeout =
    error instanceof Error &&
    (('code' in error && error.code === QUERY_CANCELED) || error.message === 'Query read timeout')
  if (!isTimeout) return asSaldoError(error)
  const message = `the database did not answer within ${STATEMENT_TIMEOUT_MS / 1000} s`
  return new SaldoError('SALDO_DATABASE_UNAVAILABLE', message, { retryable: true, cause: error })
}
