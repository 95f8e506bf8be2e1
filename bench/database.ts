/** A fresh data folder with a migrated embedded PostgreSQL, gone when the bench is done with it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { openDatabase } from '../cli/database.ts'
import { readConfig, type Config } from '../config/config.ts'
import { embeddedPostgres } from '../sink/postgres/embedded-postgres.ts'
import { openPool } from '../sink/postgres/pool.ts'
import type { Log, NewRecord } from '../topology/log/log.ts'
import { postgresLog } from '../topology/log/postgres-log.ts'

/** Tables and checkpoints; the log is elsewhere. */
export type BenchTables = {
  readonly config: Config
  readonly url: string
  readonly pool: Pool
  readonly version: string
  close(): Promise<void>
}

export type BenchDatabase = BenchTables & { readonly log: Log }

export async function freshDatabase(
  serverSettings?: Readonly<Record<string, string>>,
): Promise<BenchDatabase> {
  const tables = await freshTables(serverSettings)
  const { partitions } = tables.config
  const log = await postgresLog({ url: tables.url, partitions, role: 'log' })
  return {
    ...tables,
    log,
    async close() {
      await log.close()
      await tables.close()
    },
  }
}

/** With settings over Saldo's own where a bench is about something that only another server has. */
export async function freshTables(
  serverSettings?: Readonly<Record<string, string>>,
): Promise<BenchTables> {
  const folder = await mkdtemp(join(tmpdir(), 'saldo-bench-'))
  // The defaults, whatever the environment says: a figure belongs to them.
  const config = readConfig({ SALDO_DATA_DIR: folder })
  // A server that runs already keeps the settings it has.
  const server =
    serverSettings === undefined
      ? undefined
      : await embeddedPostgres({ dataDir: folder, serverSettings })
  const database = await openDatabase(config)
  const pool = openPool(database.url, { role: 'bench', max: 4 })
  const { rows } = await pool.query<{ server_version: string }>('SHOW server_version')
  return {
    config,
    url: database.url,
    pool,
    version: rows[0]?.server_version ?? '',
    async close() {
      await pool.end()
      await database.release()
      await server?.release()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const APPEND_RECORDS = 1000

/** Appends everything in order and says how many records and seconds that took, encoding included. */
export async function append(
  log: Log,
  records: Iterable<NewRecord>,
): Promise<{ readonly records: number; readonly seconds: number }> {
  const producer = log.producer()
  const began = performance.now()
  let count = 0
  let chunk: NewRecord[] = []
  for (const record of records) {
    chunk.push(record)
    if (chunk.length < APPEND_RECORDS) continue
    await producer.append(chunk)
    count += chunk.length
    chunk = []
  }
  await producer.append(chunk)
  count += chunk.length
  await producer.close()
  return { records: count, seconds: (performance.now() - began) / 1000 }
}
