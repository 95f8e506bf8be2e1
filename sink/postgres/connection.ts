import pg from 'pg'
import { asSaldoError, connectionOf, type SessionSettings } from './pool.ts'

/** One connection of its own; `lost` fires when it ends for whatever reason. */
export type Connection = { readonly client: pg.Client; readonly lost: AbortSignal }

/** For what must outlive a query: a lease, a lock, LISTEN, temporary tables. */
export async function connect(
  url: string,
  role: string,
  session?: SessionSettings,
): Promise<Connection> {
  const client = new pg.Client(connectionOf(url, role, session))
  const lost = new AbortController()
  client.on('error', () => lost.abort())
  client.on('end', () => lost.abort())
  try {
    await client.connect()
    return { client, lost: lost.signal }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw asSaldoError(error)
  }
}
