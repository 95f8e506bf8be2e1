/** What an upgrade that changes an evolve does on a real database, and what a step back is told. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { STATES_GENERATION } from '../../actors/generation.ts'
import { migrate } from '../../sink/migrations/migrate.ts'
import { CLEAN, engineOn, judged } from '../support/damaged-run.ts'
import type { Engine } from '../support/engine.ts'
import { groceries, opened, recorded } from '../support/example-commands.ts'
import { describePostgres } from '../support/postgres.ts'
import { wish } from '../support/actor-run.ts'

const NEXT = STATES_GENERATION + 1

describePostgres('checkpoints of two generations', (database) => {
  let admin: pg.Client
  beforeAll(async () => {
    admin = new pg.Client(database.url)
    await admin.connect()
  })
  afterAll(() => admin.end())

  const start = (generation: number): Promise<Engine> => engineOn(database.url, { generation })

  async function generations(): Promise<readonly number[]> {
    const { rows } = await admin.query<{ generation: number }>(
      'SELECT DISTINCT generation FROM actor_checkpoints ORDER BY 1',
    )
    return rows.map(({ generation }) => generation)
  }

  // Each test goes on where the one before ended, as an upgrade does.
  test('the newer release makes every state anew and goes on with them', async () => {
    const older = await start(STATES_GENERATION)
    const users = ['user-1', 'user-2', 'user-3', 'user-4']
    await older.send(users.flatMap((user) => [wish(opened, user), wish(groceries, user)]))
    await older.settled()
    await older.stop()
    expect(await generations()).toEqual([STATES_GENERATION])
    await admin.query(`UPDATE actor_checkpoints SET state = 'what an older evolve made'`)
    const newer = await start(NEXT)
    await newer.send(users.map((user) => wish(recorded({ transactionId: 't-2' }), user)))
    await newer.settled()
    await newer.stop()
    expect(await generations()).toEqual([NEXT])
  })

  test('the older release refuses them, in the engine and in verify, and changes nothing', async () => {
    const outdated = { code: 'SALDO_RELEASE_OUTDATED' }
    await expect(judged(database.url)).rejects.toMatchObject(outdated)
    const older = await start(STATES_GENERATION)
    await older.send([wish(recorded({ transactionId: 't-waits' }))])
    await expect(older.settled()).rejects.toMatchObject(outdated)
    await expect(older.stop()).rejects.toMatchObject(outdated)
    expect(await generations()).toEqual([NEXT])
  })

  test('after the migration is taken back everything is folded again, and verify finds no difference', async () => {
    expect((await migrate(admin, { to: 8 })).applied).toContain(
      '009-checkpoint-generations.down.sql',
    )
    expect((await admin.query('SELECT FROM actor_checkpoints')).rowCount).toBe(0)
    await migrate(admin)
    const again = await start(STATES_GENERATION)
    await again.send([wish(recorded({ transactionId: 't-3' }))])
    await again.settled()
    await again.stop()
    expect(await generations()).toEqual([STATES_GENERATION])
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })

  test('verify does not judge states of an older generation: they count as none', async () => {
    const older = 'generation = generation - 1'
    await admin.query(`UPDATE progress SET ${older} WHERE consumer LIKE 'actors:%'`)
    await admin.query(`UPDATE actor_checkpoints SET state = 'what an older evolve made', ${older}`)
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })
})
