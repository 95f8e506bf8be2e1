import { Socket } from 'node:net'
import pg from 'pg'
import { asSaldoError, connectionOf } from './pool.ts'

const RECONNECT_MS = 1_000
const HOLDER_ROLE = 'holder'
const DATABASE = 'saldo'

/** One open connection that says "this process uses the server"; it keeps no process alive. */
export type Holder = {
  readonly address: string
  readonly url: string
  /** Closes the connection; true if nobody else uses the server. */
  leave(): Promise<boolean>
}

export async function holdServer(port: number, password: string): Promise<Holder> {
  const address = `127.0.0.1:${port}`
  const server = `postgresql://postgres:${password}@${address}`
  let left = false
  let connection = await connect()
  await ensureDatabase(connection.client)
  connection.socket.unref()

  async function connect(): Promise<Connection> {
    const opened = await openConnection(`${server}/postgres`)
    // A crash of one backend makes PostgreSQL close them all, and it goes on without a restart.
    opened.client.once('end', reconnectLater)
    return opened
  }
  function reconnectLater(): void {
    if (left) return
    const reconnect = async () => {
      connection = await connect()
      connection.socket.unref()
    }
    setTimeout(() => void reconnect().catch(reconnectLater), RECONNECT_MS).unref()
  }
  async function leave(): Promise<boolean> {
    left = true
    connection.socket.ref()
    try {
      return !(await hasOtherUsers(connection.client))
    } catch {
      // The connection is lost: ask over a new one, and leave a server alone that does not answer.
      return await isUnused(`${server}/postgres`)
    } finally {
      await connection.client.end().catch(() => {})
    }
  }
  return { address, url: `${server}/${DATABASE}`, leave }
}

type Connection = { readonly client: pg.Client; readonly socket: Socket }

async function openConnection(url: string): Promise<Connection> {
  const socket = new Socket()
  const client = new pg.Client({
    ...connectionOf(url, HOLDER_ROLE),
    stream: () => socket,
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw asSaldoError(error)
  }
  return { client, socket }
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
  if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
}

/** Others are another process of ours, and another holder of this one. */
async function hasOtherUsers(client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_stat_activity
      WHERE application_name LIKE 'saldo%' AND pid <> pg_backend_pid()
        AND (split_part(application_name, ':', 2) <> $1 OR split_part(application_name, ':', 3) = $2)
      LIMIT 1`,
    [String(process.pid), HOLDER_ROLE],
  )
  return rowCount !== 0
}

async function isUnused(url: string): Promise<boolean> {
  try {
    const { client } = await openConnection(url)
    try {
      return !(await hasOtherUsers(client))
    } finally {
      await client.end()
    }
  } catch {
    return false
  }
}
