/** The migrations with names of roles of their own: those of the test server are shared by every database of the run. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate } from '../../sink/migrations/migrate.ts'
import { withDatabase } from '../support/postgres.ts'

const SOURCE = join(import.meta.dirname, '..', '..', 'sink', 'migrations')
const WALLS = 13

const one = withDatabase('postgres', { empty: true })
const other = withDatabase('postgres', { empty: true })
const suffix = randomBytes(4).toString('hex')
const login = `saldo_test_owner_${suffix}`
const roles = [`saldo_api_${suffix}`, `saldo_grafana_${suffix}`]
let folder: string
let admin: pg.Client
const clients: pg.Client[] = []

async function connect(url: string, user?: string): Promise<pg.Client> {
  const as = new URL(url)
  if (user !== undefined) Object.assign(as, { username: user, password: suffix })
  const client = new pg.Client(as.href)
  clients.push(client)
  await client.connect()
  return client
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saldo-migrations-'))
  for (const file of (await readdir(SOURCE)).filter((name) => name.endsWith('.sql'))) {
    const sql = await readFile(join(SOURCE, file), 'utf8')
    await writeFile(join(folder, file), sql.replaceAll(/\bsaldo_(api|grafana)\b/g, `$&_${suffix}`))
  }
  admin = await connect(one.url)
  await admin.query(`CREATE ROLE ${login} LOGIN PASSWORD '${suffix}'`)
  const name = new URL(one.url).pathname.slice(1)
  await admin.query(
    `ALTER DATABASE ${name} OWNER TO ${login}; ALTER SCHEMA public OWNER TO ${login}`,
  )
})
afterAll(async () => {
  const second = await connect(other.url)
  for (const [client, ...owners] of [
    [admin, login, ...roles],
    [second, ...roles],
  ] as const) {
    await client.query(`DROP OWNED BY ${owners.join(', ')} CASCADE`)
  }
  await admin.query(`ALTER DATABASE ${new URL(one.url).pathname.slice(1)} OWNER TO CURRENT_USER`)
  await admin.query(`DROP ROLE ${login}, ${roles.join(', ')}`)
  await Promise.all(clients.map((client) => client.end()))
  await rm(folder, { recursive: true })
})

test('a login that may not make roles is told what an administrator has to run, and then goes on', async () => {
  const owner = await connect(one.url, login)
  await expect(migrate(owner, { folder })).rejects.toMatchObject({
    code: 'SALDO_DATABASE_SETUP',
    message: expect.stringContaining(
      `run "CREATE ROLE ${roles[0]} NOLOGIN" and "GRANT ${roles[0]} TO ${login}"`,
    ),
  })
  for (const role of roles)
    await admin.query(`CREATE ROLE ${role} NOLOGIN; GRANT ${role} TO ${login}`)
  expect(await migrate(owner, { folder })).toMatchObject({ from: WALLS - 1 })

  await owner.query("INSERT INTO categories VALUES ('ana', 'own', 'Own', 'live', now(), now(), 1)")
  const seen = async (user: string): Promise<number | null> => {
    await owner.query(`BEGIN; SET LOCAL ROLE ${roles[0]}; SET LOCAL saldo.user_id = '${user}'`)
    const { rowCount } = await owner.query('SELECT FROM categories')
    await owner.query('ROLLBACK')
    return rowCount
  }
  expect([await seen('ana'), await seen('ben')]).toEqual([1, 0])
})

test('walls are taken back without the roles, which another database may use', async () => {
  const second = await connect(other.url)
  await migrate(second, { folder })
  const { to } = await migrate(second, { folder, to: WALLS - 1 })
  expect(to).toBe(WALLS - 1)
  const walled = await second.query(
    "SELECT FROM pg_class WHERE relrowsecurity OR relname LIKE 'own_%'",
  )
  expect(walled.rowCount).toBe(0)
  const kept = await second.query('SELECT FROM pg_roles WHERE rolname = ANY ($1)', [roles])
  expect(kept.rowCount).toBe(2)
  await migrate(second, { folder })
})

test('a role that would see everything is refused', async () => {
  const second = await connect(other.url)
  await migrate(second, { folder, to: WALLS - 1 })
  await second.query(`ALTER ROLE ${roles[1]} BYPASSRLS`)
  await expect(migrate(second, { folder })).rejects.toThrow(
    `the role ${roles[1]} is a superuser or`,
  )
  await second.query(`ALTER ROLE ${roles[1]} NOBYPASSRLS`)
})
