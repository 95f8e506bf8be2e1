/** Every table is made again while commands are decided: nothing is lost, doubled or told twice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import pg from 'pg'
import { runRebuild } from '../../cli/rebuild.ts'
import { keyring } from '../../privacy/keyring.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { CLEAN, commands, engineOn, judged, masterKey, PARTITIONS } from '../support/damaged-run.ts'
import { describePostgres } from '../support/postgres.ts'
import { tableNames } from '../support/table-rows.ts'

describePostgres('a rebuild of every table', (database) => {
  let admin: pg.Client
  beforeAll(async () => {
    admin = new pg.Client(database.url)
    await admin.connect()
  })
  afterAll(() => admin.end())

  async function rebuildAll(name?: string): Promise<readonly string[]> {
    const log = await postgresLog({ url: database.url, partitions: PARTITIONS, role: 'rebuild' })
    const pool = openPool(database.url, { role: 'rebuild-keys', max: 1 })
    const results: string[] = []
    const out = {
      result: (line: string) => void results.push(line),
      note: () => {},
      flushed: () => Promise.resolve(),
    }
    try {
      const keys = keyring(pool, masterKey)
      const deps = { databaseUrl: database.url, log, keys, partitions: PARTITIONS }
      const options = name === undefined ? { json: true } : { json: true, name }
      expect(await runRebuild(deps, options, new AbortController().signal, out)).toBe(0)
      return results
    } finally {
      await pool.end()
      await log.close()
    }
  }

  test('leaves no difference while commands are decided and verify looks on', async () => {
    const engine = await engineOn(database.url, { batchRecords: 20, ownersRestart: true })
    await engine.send(commands.slice(0, 300))
    const done = new AbortController()
    let sent = 300
    const sending = (async (): Promise<void> => {
      while (!done.signal.aborted && sent < commands.length) {
        await engine.send(commands.slice(sent, (sent += 10)))
        await engine.settled()
      }
    })()
    const verdicts: unknown[] = []
    const judging = (async (): Promise<void> => {
      while (!done.signal.aborted) verdicts.push((await judged(database.url)).differences)
    })()
    const results = await rebuildAll()
    done.abort()
    await sending
    await judging
    await engine.settled()
    await engine.stop()
    expect(results.flatMap((line) => (JSON.parse(line) as { tables: string[] }).tables)).toEqual(
      expect.arrayContaining([...tableNames]),
    )
    expect(verdicts.flat()).toEqual([])
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })

  test('keeps the answers to commands whose records are no longer in the log', async () => {
    const all = 'SELECT * FROM command_outcomes ORDER BY user_id, command_id'
    const { rows: before } = await admin.query(all)
    // As retention does it, whose segments hold more than a test sends.
    await admin.query(REMOVE_HALF)
    const [line = ''] = await rebuildAll('command_outcomes')
    const { events, rows } = JSON.parse(line) as { events: number; rows: number }
    expect(rows).toBe(before.length)
    expect(events).toBeLessThan(before.length)
    expect((await admin.query(all)).rows).toEqual(before)
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })
})

const REMOVE_HALF = `
  DELETE FROM log_records r USING log_heads h
    WHERE r.topic_id = 3 AND h.topic_id = 3 AND h.partition = r.partition AND r."offset" < h.next_offset / 2;
  UPDATE log_heads SET start_offset = next_offset / 2 WHERE topic_id = 3`
