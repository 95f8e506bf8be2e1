/** Goes around the API: what its role can do with any SQL. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openSeed, type Seed } from '../api/query/seed.ts'
import { describePostgres } from '../support/postgres.ts'

/** Read by nobody but the engine, whatever is granted. */
const CLOSED = ['actor_checkpoints', 'outbox', 'subject_keys']

describePostgres('the second wall', (database) => {
  const login = `saldo_test_login_${randomBytes(6).toString('hex')}`
  const secret = randomBytes(16).toString('hex')
  let seed: Seed
  let api: pg.Client

  beforeAll(async () => {
    seed = await openSeed(database.url)
    // As an administrator makes it for an API that runs alone.
    await seed.run(`CREATE ROLE ${login} LOGIN PASSWORD '${secret}' IN ROLE saldo_api`)
    for (const userId of ['ana', 'ben']) {
      await seed.account({ userId, accountId: `${userId}-1` })
      await seed.transaction({ userId, transactionId: `${userId}-t` })
      await seed.spending({
        userId,
        bookedOn: '2024-05-01',
        categoryId: 'groceries',
        totalMinor: 1n,
      })
      await seed.outcome({ userId, commandId: `${userId}-c`, verdict: 'accepted' })
      await seed.run(
        `INSERT INTO events (user_id, sequence, event_id, aggregate_type, aggregate_id, version, event_type,
                             occurred_at, recorded_at, command_id, partition, "offset", event)
         VALUES ($1, 1, gen_random_uuid(), 'account', $1 || '-1', 1, 'AccountOpened', now(), now(), 'c', 0, 0, '')`,
        [userId],
      )
      await seed.run(`INSERT INTO categories VALUES ($1, 'own', 'Own', 'live', now(), now(), 1)`, [
        userId,
      ])
    }
    const url = new URL(database.url)
    url.username = login
    url.password = secret
    api = new pg.Client(url.href)
    await api.connect()
  })
  beforeEach(() => api.query('RESET ALL'))
  afterAll(async () => {
    await api.end()
    await seed.run(`DROP ROLE ${login}`)
    await seed.close()
  })

  const asUser = (userId: string): Promise<unknown> =>
    api.query("SELECT set_config('saldo.user_id', $1, false)", [userId])

  /** Tables and views of ours, with what the role may do. */
  async function relations(): Promise<readonly Relation[]> {
    const { rows } = await seed.run(
      `SELECT c.oid::regclass::text AS name, c.relkind::text AS kind, c.relrowsecurity AS walled,
              coalesce('security_invoker=true' = ANY (c.reloptions), false) AS invoker,
              coalesce('security_barrier=true' = ANY (c.reloptions), false) AS barrier,
              EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'user_id') AS personal,
              has_table_privilege('saldo_api', c.oid, 'SELECT') AS readable,
              has_table_privilege('saldo_api', c.oid, 'INSERT') OR has_any_column_privilege('saldo_api', c.oid, 'INSERT') AS insertable,
              has_table_privilege('saldo_grafana', c.oid, 'SELECT') AS charted,
              has_table_privilege('saldo_api', c.oid, 'UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AS writable
         FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
        ORDER BY 1`,
    )
    return rows as readonly Relation[]
  }

  test('stands before every table that has a user', async () => {
    const all = await relations()
    const barriers = all.filter(({ kind, barrier }) => kind === 'v' && barrier)
    const open = all.filter(
      ({ name, kind, personal, walled, readable }) =>
        personal &&
        kind !== 'v' &&
        !(walled && readable !== CLOSED.includes(name)) &&
        !(!readable && barriers.some((view) => view.name === `own_${name}`)),
    )
    // Call saldo_wall, saldo_wall_view or saldo_wall_closed in the migration that makes the table.
    expect(open.map(({ name }) => name)).toEqual([])
    expect(all.filter(({ walled }) => walled).length).toBeGreaterThan(5)
  })

  test('stands before every view that the API reads', async () => {
    const views = (await relations()).filter(({ kind, readable }) => kind === 'v' && readable)
    // A view is either asked as its reader, or is the barrier before a hypertable.
    expect(views.filter(({ invoker, barrier }) => invoker === barrier)).toEqual([])
    expect(views.map(({ name }) => name)).toContain('own_events')
  })

  test('shows nothing to a query that forgot its user', async () => {
    const readable = (await relations()).filter(({ readable, personal }) => readable && personal)
    for (const { name } of readable) {
      expect((await api.query(`SELECT FROM ${name}`)).rowCount, name).toBe(0)
      await asUser('')
      expect((await api.query(`SELECT FROM ${name}`)).rowCount, name).toBe(0)
      await api.query('RESET ALL')
    }
  })

  test('shows a query without a WHERE the rows of its user only', async () => {
    await asUser('ana')
    for (const name of [
      'accounts',
      'transactions',
      'categories',
      'daily_aggregates',
      'command_outcomes',
      'own_events',
    ]) {
      const { rows } = await api.query(`SELECT user_id FROM ${name}`)
      expect(rows, name).toEqual([{ user_id: 'ana' }])
    }
    const other = await api.query("SELECT FROM accounts WHERE user_id = 'ben'")
    expect(other.rowCount).toBe(0)
  })

  test('lets no function of a query look at a row before the wall does', async () => {
    await asUser('ana')
    const seen: string[] = []
    api.on('notice', ({ message }) => seen.push(message ?? ''))
    await api.query(
      `CREATE FUNCTION pg_temp.look(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001
       AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$`,
    )
    await api.query('SELECT FROM accounts WHERE pg_temp.look(user_id)')
    await api.query('SELECT FROM own_events WHERE pg_temp.look(user_id)')
    expect(seen).toEqual(['ana', 'ana'])
  })

  test('lets the role write nothing but lines of the audit log', async () => {
    const all = await relations()
    expect(all.filter(({ writable }) => writable)).toEqual([])
    const insertable = all.filter(({ insertable: is }) => is).map(({ name }) => name)
    expect(insertable).toEqual(['audit_log'])
    await asUser('ana')
    await expect(api.query('UPDATE accounts SET name = $1', ['x'])).rejects.toThrow(
      'permission denied',
    )
    await expect(api.query('CREATE TABLE mine ()')).rejects.toThrow('permission denied')
  })

  test('hides keys, checkpoints and the log', async () => {
    const readable = (await relations()).filter((one) => one.readable).map(({ name }) => name)
    expect(readable.filter((name) => /^(?:log_|subject_|actor_|events|outbox)/.test(name))).toEqual(
      [],
    )
    for (const name of ['subject_keys', 'actor_checkpoints', 'log_records', 'events', 'outbox']) {
      await expect(api.query(`SELECT FROM ${name}`), name).rejects.toThrow('permission denied')
    }
  })

  test.runIf(database.kind === 'timescale')('hides the chunks of a hypertable', async () => {
    const { rows } = await seed.run("SELECT show_chunks('events')::text AS chunk")
    expect(rows.length).toBeGreaterThan(0)
    for (const { chunk } of rows as readonly { chunk: string }[]) {
      await expect(api.query(`SELECT FROM ${chunk}`)).rejects.toThrow('permission denied')
    }
  })

  test('cannot be left for a role that sees more', async () => {
    const { rows } = await seed.run('SELECT current_user AS owner')
    const { owner } = rows[0] as { owner: string }
    for (const sql of [
      `SET ROLE ${owner}`,
      `SET SESSION AUTHORIZATION ${owner}`,
      `SELECT set_config('role', '${owner}', false)`,
      'SET row_security = off; SELECT FROM accounts',
      'ALTER TABLE accounts DISABLE ROW LEVEL SECURITY',
      'ALTER ROLE CURRENT_USER BYPASSRLS',
    ]) {
      await expect(api.query(sql), sql).rejects.toThrow(
        /permission denied|must be owner|would be affected/,
      )
    }
  })

  test('shows Grafana no row of a user, and no figure of fewer than five of them', async () => {
    const charted = (await relations()).filter((one) => one.charted)
    expect(charted.map(({ name }) => name)).toContain('daily_totals')
    expect(charted.filter(({ personal }) => personal)).toEqual([])
    const spent = (userId: string, bookedOn: string): Promise<void> =>
      seed.spending({ userId, bookedOn, categoryId: 'groceries', totalMinor: 20n })
    for (const userId of ['u1', 'u2', 'u3', 'u4', 'u5']) await spent(userId, '2024-06-01')
    for (const userId of ['u1', 'u2', 'u3', 'u4']) await spent(userId, '2024-06-02')
    await seed.run('BEGIN; SET LOCAL ROLE saldo_grafana')
    const { rows } = await seed.run('SELECT booked_on::text, users, total_minor FROM daily_totals')
    await seed.run('ROLLBACK')
    expect(rows).toEqual([{ booked_on: '2024-06-01', users: '5', total_minor: '100' }])
  })

  test('keeps its use of indexes', async () => {
    await seed.run(
      `INSERT INTO accounts SELECT user_id, account_id || n, kind, name, bank_name, currency, balance_minor,
              transaction_count, status, opened_at, updated_at, last_sequence
         FROM accounts, generate_series(1, 500) n`,
    )
    await seed.run('ANALYZE accounts')
    await asUser('ana')
    const plan = await api.query(
      "EXPLAIN SELECT * FROM accounts WHERE user_id = 'ana' AND account_id = 'ana-17'",
    )
    expect(JSON.stringify(plan.rows)).toMatch(/Index Scan.*Index Cond: .*account_id/)
  })
})

type Relation = {
  readonly name: string
  readonly kind: string
  readonly walled: boolean
  readonly invoker: boolean
  readonly barrier: boolean
  readonly personal: boolean
  readonly readable: boolean
  readonly insertable: boolean
  readonly writable: boolean
  /** Grafana reads it. */
  readonly charted: boolean
}
