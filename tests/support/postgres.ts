import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { migrate } from '../../sink/migrations/migrate.ts'
import { readMigrations } from '../../sink/migrations/migration-files.ts'
import { databases, serverUrl, type DatabaseKind } from './test-servers.ts'

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'sink', 'migrations')
const TEMPLATE_LOCK = 7_301_125_002n

/** A database of one test file; its URL is there from the first `beforeAll` or test on. */
export type TestDatabase = { readonly kind: DatabaseKind; readonly url: string }

/**
 * Runs a suite on plain PostgreSQL and on TimescaleDB, each on a fresh database. What this machine
 * lacks is a skip that says why, or a failure if SALDO_TEST_REQUIRE names it.
 */
export function describePostgres(
  name: string,
  suite: (database: TestDatabase) => void,
  options: DatabaseOptions = {},
): void {
  for (const { name: kind, available, reason } of databases) {
    if (available) {
      describe(`${name} on ${kind}`, () => suite(withDatabase(kind, options)))
    } else if (required.includes(kind)) {
      test(`${name} on ${kind}`, () => {
        throw new Error(`SALDO_TEST_REQUIRE names ${kind}, and there is ${reason}`)
      })
    } else {
      test.skip(`${name} on ${kind} (skipped: ${reason})`, () => {})
    }
  }
}

const required = (process.env['SALDO_TEST_REQUIRE'] ?? '').split(',').map((kind) => kind.trim())

export type DatabaseOptions = {
  /** Without tables, to test what makes them. */
  readonly empty?: boolean
}

/** A fresh, migrated database for the `describe` or file that calls it, dropped at its end. */
export function withDatabase(kind: DatabaseKind, options: DatabaseOptions = {}): TestDatabase {
  const name = `saldo_test_${randomBytes(6).toString('hex')}`
  let url: string | undefined
  beforeAll(async () => {
    const server = await serverUrl(kind)
    await withAdmin(server, async (admin) => {
      const template = options.empty === true ? 'template0' : await migratedTemplate(admin, server)
      await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
    })
    url = databaseUrl(server, name)
  })
  afterAll(async () => {
    if (url === undefined) return
    // FORCE: a test that failed may have left a connection.
    await withAdmin(url, (admin) => admin.query(`DROP DATABASE ${name} WITH (FORCE)`))
  })
  return {
    kind,
    get url() {
      if (url === undefined)
        throw new Error('the database is created in beforeAll: read its url later')
      return url
    },
  }
}

/** Migrating takes a second and copying a tenth: one template for all who have the same migrations. */
async function migratedTemplate(admin: pg.Client, server: string): Promise<string> {
  const migrations = await readMigrations(MIGRATIONS)
  const checksum = createHash('sha256').update(JSON.stringify(migrations)).digest('hex')
  const template = `saldo_template_${checksum.slice(0, 12)}`
  await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK])
  try {
    const { rowCount } = await admin.query(
      'SELECT FROM pg_database WHERE datname = $1 AND datistemplate',
      [template],
    )
    if (rowCount === 0) await createTemplate(admin, server, template)
  } finally {
    await admin.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK])
  }
  return template
}

async function createTemplate(admin: pg.Client, server: string, template: string): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`)
  await admin.query(`CREATE DATABASE ${template} TEMPLATE template0`)
  const client = new pg.Client(databaseUrl(server, template))
  await client.connect()
  try {
    await migrate(client)
  } finally {
    await client.end()
  }
  // A database that is connected to cannot be copied, and TimescaleDB's scheduler connects to every one that lets it.
  await admin.query(`ALTER DATABASE ${template} ALLOW_CONNECTIONS false IS_TEMPLATE true`)
  await admin.query(
    'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1',
    [template],
  )
}

async function withAdmin(url: string, work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client(databaseUrl(url, 'postgres'))
  await admin.connect()
  try {
    await work(admin)
  } finally {
    await admin.end()
  }
}

function databaseUrl(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}
