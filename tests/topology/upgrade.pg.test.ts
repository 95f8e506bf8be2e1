/** A database of an older release: what its tables lack is folded from the log when they are migrated. */
import pg from 'pg'
import { expect, test } from 'vitest'
import { migrate } from '../../sink/migrations/migrate.ts'
import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import { runTables } from '../../topology/run-tables.ts'
import { ledgerTables } from '../../topology/table-reader.ts'
import { commands, elsewhere, engineOn, judged, PARTITIONS } from '../support/damaged-run.ts'
import { describePostgres } from '../support/postgres.ts'

/** The last version whose `transactions` said neither what is deleted nor what is split. */
const BEFORE = 11

describePostgres('a database of an older release', (database) => {
  test('has every row of every table again once its readers have caught up', async () => {
    const engine = await engineOn(database.url)
    await engine.send(commands.slice(0, 400))
    await engine.settled()
    await engine.stop()
    await migrated(BEFORE)
    await migrated()
    await caughtUp()
    const { events, differences } = await judged(database.url)
    expect(differences).toEqual([])
    expect(events).toBeGreaterThan(60)
  })

  async function migrated(to?: number): Promise<void> {
    const client = new pg.Client(database.url)
    await client.connect()
    try {
      await migrate(client, to === undefined ? {} : { to })
    } finally {
      await client.end()
    }
  }

  /** The table readers of an engine, until they stand at the end of the log. */
  async function caughtUp(): Promise<void> {
    await elsewhere(database.url, async ({ log, keys }) => {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const store = postgresTableStore(database.url, 'test-tables')
        const stop = new AbortController()
        const observe = {
          applied: (_reader: string, _partition: number, at: { next: bigint; end: bigint }) => {
            if (at.next >= at.end) stop.abort()
          },
          detached: (_processor: string, _partition: number, error: unknown) => {
            throw error
          },
        }
        const limit = { records: 100, bytes: 1 << 20 }
        await runTables(ledgerTables, partition, { log, store, keys, limit, observe }, stop.signal)
        await store.close()
      }
    })
  }
})
