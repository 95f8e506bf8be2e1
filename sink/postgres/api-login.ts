import { connect } from './connection.ts'
import { asSaldoError } from './pool.ts'

const LOGIN = 'saldo_api_login'
/** Several processes of a folder may start at once. */
const LOGIN_LOCK = 7_301_125_003n

/** Makes or updates a login that can do nothing but become `saldo_api`; the URL that uses it. */
export async function apiLogin(adminUrl: string, password: string): Promise<string> {
  const { client } = await connect(adminUrl, 'login')
  try {
    await client.query('BEGIN')
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOGIN_LOCK])
    const { rows } = await client.query<{ verb: string; literal: string }>(
      `SELECT CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = '${LOGIN}') THEN 'ALTER' ELSE 'CREATE' END AS verb,
              quote_literal($1::text) AS literal`,
      [password],
    )
    const [made] = rows
    await client.query(
      `${made?.verb} ROLE ${LOGIN} LOGIN NOINHERIT PASSWORD ${made?.literal}; GRANT saldo_api TO ${LOGIN}`,
    )
    await client.query('COMMIT')
  } catch (error) {
    throw asSaldoError(error)
  } finally {
    await client.end()
  }
  const url = new URL(adminUrl)
  url.username = LOGIN
  url.password = password
  return url.href
}
