/** A database that a run has filled, a judge for it, and damages that are put back after each test. */
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { keyring } from '../../privacy/keyring.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { postgresVerifyReader, type VerifyReader } from '../../sink/verify-queries.ts'
import type { Log } from '../../topology/log/log.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import type { ReaderKeys } from '../../topology/table-reader.ts'
import { verify, type Verdict } from '../../topology/verify.ts'
import { arbitraryCommand } from './arbitrary-commands.ts'
import { startEngine, type Engine, type EngineOptions } from './engine.ts'
import type { TestDatabase } from './postgres.ts'

export const PARTITIONS = 2
export const masterKey = Buffer.alloc(32, 7)
export const commands = fc.sample(arbitraryCommand, { seed: 20_260_314, numRuns: 700 })
export const CLEAN = { differences: [] }

/** What damages are done to. */
const DAMAGED = [
  'accounts',
  'transactions',
  'daily_aggregates',
  'events',
  'transaction_events',
  'balance_history',
  'daily_income',
  'command_outcomes',
  'actor_checkpoints',
  'progress',
  'subject_keys',
  'log_heads',
  'log_records',
]

export function engineOn(url: string, options: Partial<EngineOptions> = {}): Promise<Engine> {
  return startEngine({ url, partitions: PARTITIONS, masterKey, ...options })
}

/** Log and keys of their own, as another process has them. */
export async function elsewhere<T>(
  url: string,
  work: (deps: {
    readonly log: Log
    readonly keys: ReaderKeys
    readonly partitions: number
  }) => Promise<T>,
): Promise<T> {
  const log = await postgresLog({ url, partitions: PARTITIONS, role: 'judge' })
  const pool = openPool(url, { role: 'judge-keys', max: 1 })
  try {
    return await work({ log, keys: keyring(pool, masterKey), partitions: PARTITIONS })
  } finally {
    await pool.end()
    await log.close()
  }
}

export async function judged(
  url: string,
  around: (reader: VerifyReader) => VerifyReader = (reader) => reader,
): Promise<Verdict> {
  const reader = postgresVerifyReader(url, 'judge')
  try {
    return await elsewhere(url, (deps) => verify({ ...deps, reader: around(reader) }))
  } finally {
    await reader.close()
  }
}

export type Damaged = {
  /** A superuser's connection. */
  readonly admin: pg.Client
  /** Runs a statement that must hit something. */
  damage(sql: string, values?: readonly unknown[]): Promise<void>
}

/** Fills the database once by a run of 400 commands. */
export function withRun(database: TestDatabase): Damaged {
  let client: pg.Client | undefined
  const admin = (): pg.Client => {
    if (client === undefined) throw new Error('the run is made in beforeAll: ask later')
    return client
  }
  beforeAll(async () => {
    const engine = await engineOn(database.url)
    await engine.send(commands.slice(0, 400))
    await engine.settled()
    await engine.stop()
    client = new pg.Client(database.url)
    await client.connect()
    for (const table of DAMAGED) await client.query(`CREATE TABLE good_${table} AS TABLE ${table}`)
  })
  afterEach(async () => {
    await admin().query(`TRUNCATE ${DAMAGED.join(', ')}`)
    for (const table of DAMAGED) {
      await admin().query(`INSERT INTO ${table} SELECT * FROM good_${table}`)
    }
  })
  afterAll(() => admin().end())
  return {
    get admin() {
      return admin()
    },
    async damage(sql, values = []) {
      const { rowCount } = await admin().query(sql, [...values])
      expect(rowCount, 'rows damaged').toBeGreaterThan(0)
    },
  }
}

/** Changes the first row of a table. */
export function one(table: string, set: string): string {
  return `UPDATE ${table} SET ${set} WHERE ctid = (SELECT min(ctid) FROM ${table})`
}
