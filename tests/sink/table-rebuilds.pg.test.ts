/** What belongs to a table beside its rows, before and after another took its place. */
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPool } from '../../sink/postgres/pool.ts'
import { shadowUrl, tableRebuilds, type RebuildTarget } from '../../sink/table-rebuilds.ts'
import type { TableName } from '../../sink/tables.ts'
import { describePostgres } from '../support/postgres.ts'
import { tableNames } from '../support/table-rows.ts'

const targetOf = (table: TableName): RebuildTarget => ({
  processor: table,
  tables: [table],
  consumer: `tables:${table}`,
  siblings: [`tables:${table}`, 'tables:other'],
  partitions: 1,
})

describePostgres('a table that took the place of another', (database) => {
  let pool: pg.Pool
  beforeAll(async () => {
    pool = openPool(database.url, { role: 'test', max: 2 })
    // What users and other releases may have added.
    await pool.query(`
      CREATE VIEW by_account WITH (security_invoker = true) AS SELECT * FROM transactions WHERE status = 'recorded';
      CREATE VIEW two_tables WITH (security_barrier) AS
        SELECT t.user_id, t.amount_minor, a.name FROM by_account t JOIN accounts a USING (user_id, account_id);
      CREATE VIEW over_archive AS SELECT user_id, count(*) AS events FROM events GROUP BY 1;
      COMMENT ON VIEW two_tables IS 'kept';
      GRANT SELECT ON two_tables TO saldo_grafana;
      GRANT SELECT (user_id, currency) ON accounts TO saldo_grafana;
      GRANT SELECT ON categories TO PUBLIC;
      COMMENT ON TABLE accounts IS 'of somebody';
      ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
      CREATE POLICY own_too ON accounts AS RESTRICTIVE FOR UPDATE TO saldo_api, saldo_grafana
        USING (user_id = saldo_user()) WITH CHECK (balance_minor < 5);
      CREATE INDEX "Of kind" ON accounts (kind) INCLUDE (name) WHERE kind <> ' ON public.accounts ';
      ALTER TABLE accounts ADD CONSTRAINT short CHECK (length(kind) < 100);
      CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''told'', ''''); RETURN NULL; END';
      CREATE TRIGGER tells AFTER INSERT OR UPDATE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION told();
      CREATE TRIGGER silent AFTER DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION told();
      ALTER TABLE accounts DISABLE TRIGGER silent`)
    await pool.query('ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO saldo_grafana')
  })
  afterAll(() => pool.end())

  async function all(sql: string): Promise<readonly unknown[]> {
    return (await pool.query(sql)).rows
  }

  async function catalog(): Promise<{ readonly [what: string]: readonly unknown[] }> {
    const ours = `c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')`
    return {
      relations: await all(
        `SELECT relname, relkind, reloptions, relowner, relrowsecurity, relforcerowsecurity, obj_description(c.oid, 'pg_class'),
           ARRAY(SELECT privilege_type || grantee FROM aclexplode(relacl) WHERE grantee <> relowner ORDER BY 1) AS acl
         FROM pg_class c WHERE ${ours} ORDER BY 1`,
      ),
      columns: await all(
        `SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attstorage, attacl::text,
           pg_get_expr(adbin, adrelid) AS value
         FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
         LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum WHERE ${ours} ORDER BY relname, attnum`,
      ),
      indexes: await all(`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`),
      constraints: await all(
        `SELECT relname, conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid
         WHERE ${ours} ORDER BY 1, 2`,
      ),
      policies: await all(`SELECT * FROM pg_policies ORDER BY tablename, policyname`),
      triggers: await all(
        `SELECT pg_get_triggerdef(t.oid), tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
         WHERE ${ours} AND NOT tgisinternal ORDER BY 1`,
      ),
      views: await all(
        `SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1`,
      ),
      leftOver: await all(
        `SELECT tablename FROM pg_tables WHERE schemaname IN ('rebuild', 'replaced')`,
      ),
      chunks:
        database.kind === 'timescale'
          ? await all(
              `SELECT hypertable_name, column_name, time_interval FROM timescaledb_information.dimensions
               WHERE hypertable_schema = 'public' ORDER BY 1`,
            )
          : [],
      jobs: database.kind === 'timescale' ? await all(JOBS) : [],
      columnstore: database.kind === 'timescale' ? await all(COLUMNSTORE) : [],
    }
  }

  async function swapped(table: TableName, fill?: string): Promise<boolean> {
    const rebuilds = await tableRebuilds(database.url, 'test-rebuild')
    try {
      const target = targetOf(table)
      await rebuilds.begin(target)
      if (fill !== undefined) await pool.query(fill)
      await pool.query(
        `INSERT INTO progress (consumer, partition, next_offset) VALUES ('rebuild:${table}', 0, 3)`,
      )
      return await rebuilds.swap(target, () => Promise.resolve([3n]))
    } finally {
      await rebuilds.close()
    }
  }

  test('has all that belonged to it, and the views read it', async () => {
    const before = await catalog()
    for (const table of tableNames) expect(await swapped(table), table).toBe(true)
    expect(await catalog()).toEqual(before)
    await swapped(
      'categories',
      `INSERT INTO rebuild.categories VALUES ('u', 'c', 'Pets', 'live', now(), now(), 1)`,
    )
    await pool.query(`INSERT INTO events (user_id, sequence, event_id, aggregate_type, aggregate_id, version, event_type,
      occurred_at, recorded_at, command_id, partition, "offset", event)
      VALUES ('u', 1, gen_random_uuid(), 'a', 'a', 1, 'E', now(), now(), 'c', 0, 0, '')`)
    expect(await all('SELECT name FROM categories')).toEqual([{ name: 'Pets' }])
    expect(await all('SELECT * FROM over_archive')).toEqual([{ user_id: 'u', events: 1n }])
    expect(await all('SELECT * FROM two_tables')).toEqual([])
  })

  test('raises the epoch of every owner of its reader', async () => {
    await pool.query(
      `INSERT INTO progress (consumer, partition, next_offset, epoch)
       VALUES ('tables:other', 0, 2, 5) ON CONFLICT (consumer, partition) DO UPDATE SET next_offset = 2, epoch = 5`,
    )
    await pool.query(
      `DELETE FROM progress WHERE consumer = 'tables:accounts';
       INSERT INTO progress (consumer, partition, next_offset, epoch) VALUES ('tables:accounts', 0, 3, 7)`,
    )
    await swapped('accounts')
    expect(
      await all(
        `SELECT consumer, next_offset, epoch FROM progress
         WHERE consumer IN ('tables:accounts', 'tables:other') ORDER BY 1`,
      ),
    ).toEqual([
      { consumer: 'tables:accounts', next_offset: 3n, epoch: 8n },
      { consumer: 'tables:other', next_offset: 2n, epoch: 6n },
    ])
  })

  describe('is not swapped in, and nothing changes,', () => {
    const refused = async (
      reach: () => Promise<readonly bigint[] | undefined>,
      shadow = 3,
    ): Promise<unknown> => {
      const rebuilds = await tableRebuilds(database.url, 'test-rebuild')
      const target = targetOf('accounts')
      try {
        await rebuilds.begin(target)
        await pool.query(
          `INSERT INTO progress (consumer, partition, next_offset) VALUES ('rebuild:accounts', 0, ${shadow})`,
        )
        return await rebuilds.swap(target, reach)
      } finally {
        await rebuilds.discard()
        await rebuilds.close()
      }
    }

    test('while it is behind the live one, or ahead of it', async () => {
      const before = await catalog()
      expect(await refused(() => Promise.resolve([3n]), 2)).toBe(false)
      expect(await refused(() => Promise.resolve([3n]), 4)).toBe(false)
      expect(await refused(() => Promise.resolve(undefined))).toBe(false)
      expect(await catalog()).toEqual(before)
    })

    test('when somebody who passed no gate moved the live one meanwhile', async () => {
      const moving = async (): Promise<readonly bigint[]> => {
        await pool.query(`UPDATE progress SET next_offset = 9 WHERE consumer = 'tables:accounts'`)
        return [3n]
      }
      expect(await refused(moving, 3)).toBe(false)
      await pool.query(`UPDATE progress SET next_offset = 3 WHERE consumer = 'tables:accounts'`)
    })

    test('while a reader holds the live one for long', async () => {
      const reader = await pool.connect()
      await reader.query('BEGIN; SELECT count(*) FROM two_tables')
      expect(await refused(() => Promise.resolve([3n]))).toBe(false)
      await reader.query('COMMIT')
      reader.release()
    })

    test('where a materialised view reads it, which says so', async () => {
      await pool.query('CREATE MATERIALIZED VIEW kinds AS SELECT kind FROM accounts')
      await expect(refused(() => Promise.resolve([3n]))).rejects.toMatchObject({
        code: 'SALDO_REBUILD_REFUSED',
        message: expect.stringContaining('a materialised view reads public.accounts'),
      })
      await pool.query('DROP MATERIALIZED VIEW kinds')
    })

    test('where a foreign key points at it, which says so', async () => {
      await pool.query(
        'CREATE TABLE notes (user_id text, account_id text, FOREIGN KEY (user_id, account_id) REFERENCES accounts)',
      )
      await expect(refused(() => Promise.resolve([3n]))).rejects.toMatchObject({
        code: 'SALDO_REBUILD_REFUSED',
        message: expect.stringContaining('notes'),
      })
      await pool.query('DROP TABLE notes')
    })
  })

  test('nobody but its owner sees it before it is swapped in', async () => {
    const rebuilds = await tableRebuilds(database.url, 'test-rebuild')
    await rebuilds.begin(targetOf('accounts'))
    const { rows } = await pool.query(
      `SELECT has_schema_privilege('saldo_api', 'rebuild', 'USAGE') AS api,
              has_schema_privilege('saldo_grafana', 'rebuild', 'USAGE') AS grafana`,
    )
    expect(rows).toEqual([{ api: false, grafana: false }])
    await rebuilds.discard()
    await rebuilds.close()
  })
})

test('a shadow store keeps the options that an address has', () => {
  const url = new URL(shadowUrl('postgresql://host/db?options=-c%20work_mem%3D1MB&sslmode=require'))
  expect(url.searchParams.get('options')).toBe('-c work_mem=1MB -c search_path=rebuild,public')
  expect(url.searchParams.get('sslmode')).toBe('require')
})

const JOBS = `SELECT hypertable_name, proc_name, schedule_interval, config - 'hypertable_id' AS config,
    next_start > now() + INTERVAL '1 minute' AS waits
  FROM timescaledb_information.jobs WHERE hypertable_schema = 'public' ORDER BY 1, 2`

const COLUMNSTORE = `SELECT hypertable::text, segmentby, orderby
  FROM timescaledb_information.hypertable_columnstore_settings ORDER BY 1`
