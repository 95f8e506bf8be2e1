import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresCheckpointStore } from '../../sink/postgres-checkpoint-store.ts'
import { describeCheckpointStoreContract } from '../contracts/checkpoint-store.contract.ts'
import { codeOf } from '../contracts/log-records.ts'
import { describePostgres } from '../support/postgres.ts'

describePostgres('the checkpoint store', (database) => {
  let admin: pg.Client
  beforeAll(async () => {
    admin = new pg.Client(database.url)
    await admin.connect()
  })
  afterAll(() => admin.end())

  describeCheckpointStoreContract('keeps what every store promises', async () => {
    await admin.query('TRUNCATE actor_checkpoints, progress')
    const store = postgresCheckpointStore(database.url, 'test', 1)
    const stores = [store]
    return {
      store,
      reopen(generation = 1) {
        const other = postgresCheckpointStore(database.url, 'other', generation)
        stores.push(other)
        return Promise.resolve(other)
      },
      async close() {
        await Promise.all(stores.map((one) => one.close()))
      },
    }
  })

  test('a connection that ends while it saves is replaced for the next save', async () => {
    await admin.query('TRUNCATE actor_checkpoints, progress')
    const store = postgresCheckpointStore(database.url, 'test', 1)
    const { epoch, logIdentity } = await store.takeOver(0, '00000000-0000-4000-8000-000000000001')
    const batch = { partition: 0, epoch, commandsOffset: 1n, rows: [] }
    await store.save({ ...batch, fromEventsOffset: 0n, toEventsOffset: 1n })
    await admin.query('BEGIN')
    await admin.query('SELECT FROM progress FOR UPDATE')
    const saving = codeOf(store.save({ ...batch, fromEventsOffset: 1n, toEventsOffset: 2n }))
    const blocked = `SELECT count(pg_terminate_backend(pid))::int AS ended FROM pg_stat_activity
      WHERE application_name LIKE '%:test-checkpoint' AND wait_event_type = 'Lock' AND datname = current_database()`
    while ((await admin.query<{ ended: number }>(blocked)).rows[0]?.ended === 0);
    expect(await saving).toBe('SALDO_DATABASE_UNAVAILABLE')
    await admin.query('ROLLBACK')
    expect((await store.takeOver(0, logIdentity)).eventsOffset).toBe(1n)
    const next = { ...batch, epoch: epoch + 1n, fromEventsOffset: 1n, toEventsOffset: 3n }
    expect(await store.save(next)).toBe('saved')
    await store.close()
  })
})
