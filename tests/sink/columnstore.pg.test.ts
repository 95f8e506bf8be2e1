/** What the archives are where TimescaleDB compresses them. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate } from '../../sink/migrations/migrate.ts'
import { newestVersion } from '../../sink/migrations/migration-files.ts'
import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import type { Row } from '../../sink/tables.ts'
import { describePostgres } from '../support/postgres.ts'
import { rowsOf } from '../support/table-rows.ts'

const LOG = '00000000-0000-4000-8000-000000000001'
const DAY_MS = 86_400_000

const archived = (user: number, sequence: number): Row => ({
  user_id: `user-${user}`,
  sequence,
  event_id: LOG,
  aggregate_type: 'transaction',
  aggregate_id: `t-${sequence}`,
  version: 1,
  event_type: 'TransactionCreated',
  occurred_at: 1000,
  recorded_at: 100 * DAY_MS + sequence,
  command_id: `command-${sequence}`,
  partition: 0,
  offset: sequence,
  event: Buffer.from('sealed'),
})

describePostgres('the archive', (database) => {
  let client: pg.Client
  beforeAll(async () => {
    client = new pg.Client(database.url)
    await client.connect()
  })
  afterAll(() => client.end())

  /** Over a connection of its own, as another owner. */
  async function append(rows: readonly Row[]): Promise<void> {
    const store = postgresTableStore(database.url, 'test-tables')
    try {
      const consumer = 'tables:event-archive'
      const [taken] = await store.takeOver([consumer], 0, LOG)
      const { epoch, offset: from } = taken ?? { epoch: 0n, offset: 0n }
      const moves = [{ consumer, epoch, from, to: from + 1n, lastEventId: undefined }]
      await store.apply({
        partition: 0,
        moves,
        writes: [{ table: 'events', mode: 'append', rows }],
      })
    } finally {
      await store.close()
    }
  }

  test('takes late rows when what they belong to is compressed already, and none twice', async () => {
    const users = Array.from({ length: 1_500 }, (_, user) => user)
    await append(users.map((user) => archived(user, 1)))
    if (database.kind === 'timescale') {
      const { rows } = await client.query(`SELECT compress_chunk(c) FROM show_chunks('events') c`)
      expect(rows).toHaveLength(1)
      // One statement may take no more rows than these out of what is compressed: late ones must not count.
      const name = new URL(database.url).pathname.slice(1)
      await client.query(
        `ALTER DATABASE ${name} SET timescaledb.max_tuples_decompressed_per_dml_transaction = 100`,
      )
    }
    await append(users.map((user) => archived(user, 2)))
    await expect(append([archived(7, 1)])).rejects.toMatchObject({ code: '23505' })
    const rows = await rowsOf(client, 'events')
    expect(rows).toHaveLength(3_000)
    expect(rows.filter(({ user_id }) => user_id === 'user-77')).toEqual([
      archived(77, 1),
      archived(77, 2),
    ])
  })

  test.runIf(database.kind === 'timescale')(
    'is compressed after a week, not dropped, and not at once',
    async () => {
      const { rows } = await client.query(
        `SELECT hypertable_name, proc_name, config ->> 'compress_after' AS after,
         next_start > now() + INTERVAL '1 hour' AS waits
       FROM timescaledb_information.jobs
       WHERE hypertable_name IN ('events', 'transaction_events') ORDER BY 1`,
      )
      const policy = { proc_name: 'policy_compression', after: '7 days', waits: true }
      expect(rows).toEqual([
        { hypertable_name: 'events', ...policy },
        { hypertable_name: 'transaction_events', ...policy },
      ])
    },
  )

  test('comes back as it was when its compression is taken back', async () => {
    const before = await rowsOf(client, 'events')
    const version = await newestVersion()
    await migrate(client, { to: 22 })
    expect(await rowsOf(client, 'events')).toEqual(before)
    expect(await migrate(client)).toMatchObject({ to: version })
    expect(await rowsOf(client, 'events')).toEqual(before)
  })
})
