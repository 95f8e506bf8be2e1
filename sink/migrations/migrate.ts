import type { ClientBase } from 'pg'
import { SaldoError } from '../../schemas/errors.ts'
import { asSaldoError } from '../postgres/pool.ts'
import { readMigrations, type Migration } from './migration-files.ts'

/** Any number will do that nothing else in the database uses as an advisory lock. */
const MIGRATION_LOCK = 7_301_125_001n

export type MigrateOptions = {
  readonly folder?: string
  /** The version to end at: lower than the database's takes migrations back, 0 takes back all. */
  readonly to?: number
  readonly onStatus?: (line: string) => void
}

export type Migrated = {
  readonly from: number
  readonly to: number
  /** The files that ran, in order. */
  readonly applied: string[]
}

/**
 * Brings the database to a version, each migration in a transaction with its own record, so a
 * migration that fails leaves the database at the one before. Several processes may start at once:
 * one migrates, the others wait and find nothing to do. `client` must not be inside a transaction.
 */
export async function migrate(client: ClientBase, options: MigrateOptions = {}): Promise<Migrated> {
  const migrations = await readMigrations(options.folder ?? import.meta.dirname)
  const to = options.to ?? migrations.length
  if (!(Number.isInteger(to) && to >= 0 && to <= migrations.length)) {
    throw mismatch(`there is no migration ${to}: this Saldo knows 0 to ${migrations.length}`)
  }
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    try {
      return await migrateLocked(client, migrations, to, options.onStatus ?? (() => {}))
    } finally {
      // A lost connection has lost its lock too, and must not hide the error that told us.
      await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => {})
    }
  } catch (error) {
    throw asSaldoError(error)
  }
}

async function migrateLocked(
  client: ClientBase,
  migrations: readonly Migration[],
  to: number,
  onStatus: (line: string) => void,
): Promise<Migrated> {
  const from = await currentVersion(client, migrations)
  const steps = plan(migrations, from, to)
  const timescale = steps.length > 0 && (await enableTimescale(client))
  const applied: string[] = []
  for (const step of steps) {
    onStatus(`running migration ${step.file}`)
    await runStep(client, step, timescale)
    applied.push(step.file)
  }
  return { from, to, applied }
}

/** Refuses a database that these files did not make. */
async function currentVersion(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<number> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_migrations (
       version int PRIMARY KEY,
       name text NOT NULL,
       checksum text NOT NULL,
       applied_at timestamptz NOT NULL DEFAULT now()
     )`,
  )
  const { rows } = await client.query<Applied>(
    'SELECT version, name, checksum FROM schema_migrations ORDER BY version',
  )
  for (const [index, row] of rows.entries()) {
    if (row.version !== index + 1) {
      throw mismatch(`the database has migration ${row.version} without migration ${index + 1}`)
    }
    const known = migrations[index]
    if (known === undefined) {
      throw mismatch(
        `the database is at migration ${rows.length} and this Saldo knows only ${migrations.length}: start the newer Saldo that migrated it`,
      )
    }
    if (known.name !== row.name || known.checksum !== row.checksum) {
      throw mismatch(
        `migration "${known.up.file}" is not the one that was applied to the database as "${row.name}": restore that file and put the change into a new migration`,
      )
    }
  }
  return rows.length
}

type Applied = { readonly version: number; readonly name: string; readonly checksum: string }

type Step = {
  readonly direction: 'up' | 'down'
  readonly migration: Migration
  readonly file: string
}

function plan(migrations: readonly Migration[], from: number, to: number): readonly Step[] {
  if (to >= from) {
    return migrations
      .slice(from, to)
      .map((migration) => ({ direction: 'up', migration, file: migration.up.file }))
  }
  return migrations
    .slice(to, from)
    .toReversed()
    .map((migration) => ({ direction: 'down', migration, file: migration.down.file }))
}

/** True where hypertables can be made; creates the extension where its library is loaded. */
async function enableTimescale(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ installed: boolean; loadable: boolean }>(
    // Only a privileged role sees shared_preload_libraries; for others an operator creates the extension.
    `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') AS installed,
            EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
              AND EXISTS (SELECT FROM pg_settings WHERE name = 'shared_preload_libraries'
                          AND setting ~ '\\mtimescaledb\\M') AS loadable`,
  )
  const [found] = rows
  if (found?.installed === true) return true
  if (found?.loadable !== true) return false
  await client.query('CREATE EXTENSION IF NOT EXISTS timescaledb')
  return true
}

async function runStep(client: ClientBase, step: Step, timescale: boolean): Promise<void> {
  const { direction, migration, file } = step
  try {
    await client.query('BEGIN')
    await client.query(`SELECT set_config('saldo.timescale', $1, true)`, [timescale ? 'on' : 'off'])
    await client.query(migration[direction].sql)
    if (direction === 'up') {
      await client.query(
        'INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)',
        [migration.version, migration.name, migration.checksum],
      )
    } else {
      await client.query('DELETE FROM schema_migrations WHERE version = $1', [migration.version])
    }
    await client.query('COMMIT')
  } catch (error) {
    // On a lost connection there is nothing to roll back, and the first error is the one to report.
    await client.query('ROLLBACK').catch(() => {})
    throw stepFailed(file, migration[direction].sql, error)
  }
}

function stepFailed(file: string, sql: string, error: unknown): Error {
  const cause = asSaldoError(error)
  if (cause instanceof SaldoError) return cause
  const position = 'position' in cause ? Number(cause.position) : Number.NaN
  const where = position > 0 ? ` at line ${sql.slice(0, position).split('\n').length}` : ''
  const message = `migration "${file}" failed${where}: ${cause.message}`
  return new SaldoError('SALDO_DATABASE_SETUP', message, { retryable: false, cause })
}

function mismatch(message: string): SaldoError {
  return new SaldoError('SALDO_MIGRATION_MISMATCH', message)
}
