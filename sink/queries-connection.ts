import type pg from 'pg'
import { SaldoError } from '../schemas/errors.ts'
import { asSaldoError, connectionUse, openPool, type ConnectionUse } from './postgres/pool.ts'
import { WalledQuery } from './walled-query.ts'

const STATEMENT_TIMEOUT_MS = 5_000
/** For a server that does not answer at all, not even that it ran out of time. */
const ANSWER_TIMEOUT_MS = 7_000
const QUERY_CANCELED = '57014'
/** More than the API has; each takes some memory of every connection. */
const PREPARED_MAX = 300
const NO_SUCH_ROLE = '22023'
const MAY_NOT_BE_ROLE = '42501'
/** What every connection becomes at its start, whoever it logs in as. */
const READER = 'saldo_api'
/** What every connection of the API is, and may do. */
export const READER_SESSION = {
  role: READER,
  statement_timeout: String(STATEMENT_TIMEOUT_MS),
  default_transaction_read_only: 'on',
} as const
/** Prepared, so that policies are not added to each again, but planned for its values: one user has 10 rows, another 10,000. */
const PREPARING_SESSION = { ...READER_SESSION, plan_cache_mode: 'force_custom_plan' } as const
/** No user has this id. */
const NOBODY = ''

export type Statement = { readonly text: string; readonly values: readonly unknown[] }

/** Connections as the role `saldo_api`, which can only read, and not for longer than five seconds. */
export type ReadConnections = {
  /** What the database lets the user see: without a row of somebody else, whatever the statement says. */
  rows<Row extends pg.QueryResultRow>(userId: string, statement: Statement): Promise<readonly Row[]>
  /** What is nobody's data, such as progress: a table of users shows nothing here. */
  shared<Row extends pg.QueryResultRow>(statement: Statement): Promise<readonly Row[]>
  use(): ConnectionUse
  close(): Promise<void>
}

export function openReadConnections(
  databaseUrl: string,
  options: { readonly role: string; readonly max: number },
): ReadConnections {
  const pool = openPool(databaseUrl, { ...options, session: PREPARING_SESSION })
  const nameOf = statementNames()

  async function rows<Row extends pg.QueryResultRow>(
    userId: string,
    { text, values }: Statement,
  ): Promise<readonly Row[]> {
    let client: pg.PoolClient | undefined
    if (pool.ended) throw closedError()
    try {
      client = await pool.connect()
      const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>()
      client.query(
        new WalledQuery<Row>({
          userId,
          text,
          name: nameOf(text),
          values,
          query_timeout: ANSWER_TIMEOUT_MS,
          callback: (error, result) =>
            error === null ? resolve(result?.rows ?? []) : reject(error),
        }),
      )
      const found = await promise
      client.release()
      return found
    } catch (error) {
      // A connection with a failed or unanswered query is not given to the next request.
      client?.release(true)
      throw readError(error, client !== undefined)
    }
  }
  return {
    rows,
    shared: (statement) => rows(NOBODY, statement),
    use: () => connectionUse(pool),
    close: () => pool.end(),
  }
}

/** Names for the texts that come first: a connection parses each once. A text that has none is parsed every time. */
function statementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>()
  return (text) => {
    const known = names.get(text)
    if (known !== undefined || names.size >= PREPARED_MAX) return known
    const name = `read-${names.size}`
    names.set(text, name)
    return name
  }
}

function readError(error: unknown, isConnected: boolean): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (!isConnected && (code === NO_SUCH_ROLE || code === MAY_NOT_BE_ROLE)) {
    const message = `this login of the database cannot become "${READER}": migrate the database, and grant that role to the login`
    return new SaldoError('SALDO_DATABASE_SETUP', message, { retryable: false, cause: error })
  }
  const isTimeout =
    code === QUERY_CANCELED || (error instanceof Error && error.message === 'Query read timeout')
  if (!isTimeout) return asSaldoError(error)
  const message = `the database did not answer within ${STATEMENT_TIMEOUT_MS / 1000} s`
  return new SaldoError('SALDO_DATABASE_UNAVAILABLE', message, { retryable: true, cause: error })
}

/** A handler may outlive its client, and then the server that it was of. */
function closedError(): SaldoError {
  const message = 'the connections of the API are closed'
  return new SaldoError('SALDO_DATABASE_UNAVAILABLE', message, { retryable: true })
}
