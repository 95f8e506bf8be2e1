import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate } from '../../sink/migrations/migrate.ts'
import { describePostgres } from '../support/postgres.ts'

const accounts = { up: 'CREATE TABLE accounts (id int)', down: 'DROP TABLE accounts' }
const budgets = { up: 'CREATE TABLE budgets (id int)', down: 'DROP TABLE budgets' }

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saldo-migrations-'))
})

afterEach(() => rm(folder, { recursive: true }))

describePostgres(
  'migrate',
  (database) => {
    const clients: pg.Client[] = []

    async function connect(): Promise<pg.Client> {
      const client = new pg.Client(database.url)
      clients.push(client)
      await client.connect()
      return client
    }

    async function tables(client: pg.Client): Promise<string[]> {
      const { rows } = await client.query<{ tablename: string }>(
        `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`,
      )
      return rows.map((row) => row.tablename)
    }

    afterEach(async () => {
      const client = await connect()
      await client.query('DROP TABLE IF EXISTS accounts, budgets, schema_migrations')
      await Promise.all(clients.splice(0).map((open) => open.end()))
    })

    test('runs every migration in order, and nothing the second time', async () => {
      await write('001-accounts', accounts)
      await write('002-budgets', budgets)
      const client = await connect()

      const applied = ['001-accounts.up.sql', '002-budgets.up.sql']
      expect(await migrate(client, { folder })).toEqual({ from: 0, to: 2, applied })
      expect(await migrate(client, { folder })).toEqual({ from: 2, to: 2, applied: [] })
      expect(await tables(client)).toEqual(['accounts', 'budgets', 'schema_migrations'])
    })

    test('takes migrations back in reverse order down to the version asked for', async () => {
      await write('001-accounts', accounts)
      await write('002-budgets', budgets)
      const client = await connect()
      await migrate(client, { folder })

      expect(await migrate(client, { folder, to: 1 })).toMatchObject({ from: 2, to: 1 })
      expect(await tables(client)).toEqual(['accounts', 'schema_migrations'])
      expect(await migrate(client, { folder })).toMatchObject({ from: 1, to: 2 })
      const applied = ['002-budgets.down.sql', '001-accounts.down.sql']
      expect(await migrate(client, { folder, to: 0 })).toEqual({ from: 2, to: 0, applied })
      expect(await tables(client)).toEqual(['schema_migrations'])
    })

    test('a migration and its record are there together or not at all', async () => {
      await write('001-accounts', accounts)
      const refused = 'ALTER TABLE schema_migrations ADD CHECK (version <> 2)'
      await write('002-budgets', { up: `${budgets.up};\n${refused}`, down: budgets.down })
      const client = await connect()

      await expect(migrate(client, { folder })).rejects.toThrow('violates check constraint')
      expect(await tables(client)).toEqual(['accounts', 'schema_migrations'])
    })

    test('a migration that fails leaves nothing of itself and keeps the ones before it', async () => {
      await write('001-accounts', accounts)
      await write('002-budgets', { up: `${budgets.up};\nSELECT nonsense`, down: budgets.down })
      const client = await connect()

      await expect(migrate(client, { folder })).rejects.toMatchObject({
        code: 'SALDO_DATABASE_SETUP',
        message: expect.stringContaining('"002-budgets.up.sql" failed at line 2'),
      })
      expect(await tables(client)).toEqual(['accounts', 'schema_migrations'])
      await write('002-budgets', budgets)
      expect(await migrate(client, { folder })).toMatchObject({ from: 1, to: 2 })
    })

    test('processes that start at once apply every migration exactly once', async () => {
      await write('001-accounts', accounts)
      await write('002-budgets', budgets)
      const starters = await Promise.all([connect(), connect(), connect(), connect()])

      const results = await Promise.all(starters.map((client) => migrate(client, { folder })))
      const applied = results.flatMap((result) => result.applied)
      expect(applied).toEqual(['001-accounts.up.sql', '002-budgets.up.sql'])
    })

    test('refuses a migration that was changed after it was applied', async () => {
      await write('001-accounts', accounts)
      const client = await connect()
      await migrate(client, { folder })
      await write('001-accounts', { ...accounts, up: 'CREATE TABLE accounts (id bigint)' })

      await expect(migrate(client, { folder })).rejects.toMatchObject({
        code: 'SALDO_MIGRATION_MISMATCH',
        message: expect.stringContaining('"001-accounts.up.sql" is not the one that was applied'),
      })
    })

    test('a checkout with Windows line ends is the same migration', async () => {
      await write('001-accounts', { ...accounts, up: `${accounts.up}\n;\n` })
      const client = await connect()
      await migrate(client, { folder })
      await write('001-accounts', { ...accounts, up: `${accounts.up}\r\n;\r\n` })

      expect(await migrate(client, { folder })).toMatchObject({ applied: [] })
    })

    test('refuses a database that a newer release migrated', async () => {
      await write('001-accounts', accounts)
      await write('002-budgets', budgets)
      const client = await connect()
      await migrate(client, { folder })
      await rm(join(folder, '002-budgets.up.sql'))
      await rm(join(folder, '002-budgets.down.sql'))

      for (const to of [0, 1]) {
        await expect(migrate(client, { folder, to })).rejects.toMatchObject({
          code: 'SALDO_MIGRATION_MISMATCH',
          message: expect.stringContaining('is at migration 2 and this Saldo knows only 1'),
        })
      }
    })

    test('tells a migration whether it runs on TimescaleDB', async () => {
      const up = `DO $$ BEGIN
        IF current_setting('saldo.timescale') = 'on' THEN
          CREATE TABLE accounts (at timestamptz NOT NULL);
          PERFORM create_hypertable('accounts', 'at');
        ELSE
          CREATE TABLE accounts (plain int);
        END IF;
      END $$`
      await write('001-accounts', { ...accounts, up })
      const client = await connect()
      await migrate(client, { folder })

      const { rows } = await client.query(
        `SELECT column_name FROM information_schema.columns WHERE table_name = 'accounts'`,
      )
      const expected = database.kind === 'timescale' ? 'at' : 'plain'
      expect(rows).toEqual([{ column_name: expected }])
    })

    test.each([
      ['a missing way down', ['001-a.up.sql'], 'has no "001-a.down.sql"'],
      ['a missing way up', ['001-a.down.sql'], 'has no way up'],
      ['a gap', pair('001-a').concat(pair('003-c')), '"003-c.up.sql" stands where number 002'],
      ['a number used twice', pair('001-a').concat(pair('001-b')), 'where number 002 belongs'],
      ['a name it does not know', ['1_a.sql'], '"1_a.sql" is not named like'],
    ])('refuses %s before it touches the database', async (_, files, sentence) => {
      for (const file of files) await writeFile(join(folder, file), 'SELECT 1')
      const client = await connect()

      await expect(migrate(client, { folder })).rejects.toMatchObject({
        code: 'SALDO_MIGRATION_MISMATCH',
        message: expect.stringContaining(sentence),
      })
      expect(await tables(client)).toEqual([])
    })
  },
  { empty: true },
)

async function write(
  name: string,
  sql: { readonly up: string; readonly down: string },
): Promise<void> {
  await writeFile(join(folder, `${name}.up.sql`), sql.up)
  await writeFile(join(folder, `${name}.down.sql`), sql.down)
}

function pair(name: string): string[] {
  return [`${name}.up.sql`, `${name}.down.sql`]
}
