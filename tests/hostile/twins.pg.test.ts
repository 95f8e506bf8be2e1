import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importFile, type ImportRequest } from '../../cli/import.ts'
import { waitUntilProcessed } from '../../cli/wait-until-processed.ts'
import { generic } from '../../connectors/profiles/generic.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { CLEAN, engineOn, judged } from '../support/damaged-run.ts'
import { withDatabase } from '../support/postgres.ts'

/** Equal rows of one file, each a purchase of its own. The full size is `SALDO_HOSTILE_TWINS=1000000`. */
const TWINS_FULL = 1_000_000
const TWINS = Number(process.env['SALDO_HOSTILE_TWINS'] ?? 2_000)
const scale = TWINS === TWINS_FULL ? '' : `, not the ${TWINS_FULL} of the full run`
/** So that the full run is never cut off; a run of this scale takes seconds. */
const LIMIT_MS = 60_000 + TWINS * 10

describe('a bank file of true twins', () => {
  const database = withDatabase('postgres')
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'saldo-twins-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test(
    `${TWINS} equal purchases${scale} are all recorded, and none of them twice when the file comes again`,
    async () => {
      const file = join(folder, 'twins.csv')
      await pipeline(Readable.from(twins()), createWriteStream(file))
      const engine = await engineOn(database.url, { batchRecords: 1_000, checkpointEveryMs: 2_000 })
      const userId = 'twin-1'
      const key = (await engine.keys.keysOf([userId])).get(userId)
      if (key === undefined || key === 'shredded') throw new Error('a key is made at first use')
      const printed: string[] = []
      const out = {
        result: (line: string) => void printed.push(line),
        note: () => {},
        flushed: () => Promise.resolve(),
      }
      const request: ImportRequest = {
        file,
        userId,
        accountId: 'card',
        currency: 'NOK',
        accountCurrency: undefined,
        profile: generic,
        key,
        json: false,
      }
      expect(await importFile(engine.log, request, out)).toBe(0)
      expect(await importFile(engine.log, { ...request, accountCurrency: 'NOK' }, out)).toBe(0)
      expect(printed).toEqual([
        `${TWINS} rows read, ${TWINS} recorded, 0 duplicates, 0 rejected`,
        `${TWINS} rows read, 0 recorded, ${TWINS} duplicates, 0 rejected`,
      ])
      await waitUntilProcessed(engine.log, database.url, ACTOR_GROUP, new AbortController().signal)
      const { rows } = await engine.pool.query<{ count: number; minor: string }>(
        'SELECT count(*)::int AS count, sum(amount_minor)::text AS minor FROM transactions',
      )
      expect(rows).toEqual([{ count: TWINS, minor: String(-3_900 * TWINS) }])
      await engine.stop()
      expect(await judged(database.url)).toMatchObject({ ...CLEAN, events: TWINS + 1 })
    },
    LIMIT_MS,
  )
})

function* twins(): Generator<string> {
  yield 'date,amount,description\n'
  for (let n = 0; n < TWINS; n++) yield '2026-03-14,-39.00,Coffee\n'
}
