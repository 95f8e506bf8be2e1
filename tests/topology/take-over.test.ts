/** What a take-over does with checkpoints that another release wrote, or that are of another log than this one. */
import { describe, expect, test } from 'vitest'
import { open, seal } from '../../privacy/seal.ts'
import { eventCodec } from '../../schemas/codec.ts'
import { SaldoError } from '../../schemas/errors.ts'
import type {
  CheckpointProgress,
  CheckpointRow,
  CheckpointStore,
} from '../../sink/checkpoint-store.ts'
import {
  memoryCheckpointStore,
  type MemoryCheckpointStore,
} from '../../sink/memory-checkpoint-store.ts'
import { checkCheckpoint } from '../../topology/check-checkpoint.ts'
import { codeOf } from '../contracts/log-records.ts'
import { NEVER, outcomesOf, runOnce, send, start, wish } from '../support/actor-run.ts'
import { newWorld, remainsOf, turnsUntil, type World } from '../support/actor-world.ts'
import { amended, groceries, opened } from '../support/example-commands.ts'
import { anomaliesOf } from '../support/history-judge.ts'
import { NOW } from '../support/specification.ts'

describe('an owner whose evolve is newer than the checkpoints', () => {
  const world = (): World & { readonly store: MemoryCheckpointStore } => ({
    ...newWorld({ seed: 3, now: () => NOW }),
    store: memoryCheckpointStore(),
  })

  /** What an older evolve made: nothing that the newer one could use. */
  function asOlder(store: CheckpointStore): CheckpointStore {
    const spoilt = (row: CheckpointRow): CheckpointRow => ({ ...row, state: Buffer.from('old') })
    return {
      ...store,
      save: (batch) => store.save({ ...batch, rows: batch.rows.map(spoilt) }),
    }
  }

  async function withHistory(here: World, users: number): Promise<void> {
    for (let user = 1; user <= users; user++) {
      await send(here, wish(opened, `user-${user}`), wish(groceries, `user-${user}`))
    }
    await runOnce(here, { store: asOlder(here.store) })
  }

  test('folds every event again before it takes a command, and says how far it is', async () => {
    const here = world()
    await withHistory(here, 3)
    const store = here.store.ofGeneration(2)
    await send(here, wish(amended({ note: 'after the upgrade' })))
    const run = start(here, {
      store,
      limit: { records: 2, bytes: 1_000_000 },
    })
    await run.answered()
    await run.stop()
    expect(run.restored.length).toBeGreaterThan(2)
    expect(run.restored[0]).toMatchObject({ from: 0n })
    expect(run.restored.at(-1)?.position).toBe(run.restored.at(-1)?.end)
    // Before the first command, and none after it.
    expect(run.restoredAtCommit).toEqual([run.restored.length])
    expect(outcomesOf(here).at(-1)?.verdict).toBe('accepted')
    expect(anomaliesOf(await remainsOf({ ...here, store }))).toEqual([])
  })

  test('stores what it folded on the way, and whoever comes next goes on from there', async () => {
    const here = world()
    await withHistory(here, 8)
    const store = here.store.ofGeneration(2)
    const pace = { ...NEVER, changedStates: 2 }
    const limit = { records: 2, bytes: 1_000_000 }
    let saves = 0
    const away = new SaldoError('SALDO_DATABASE_UNAVAILABLE', 'away', { retryable: true })
    const failing: CheckpointStore = {
      ...store,
      save: (batch) => (++saves === 4 ? Promise.reject(away) : store.save(batch)),
    }
    const first = start(here, { store: failing, pace, limit, cellsMax: 1 })
    expect(await codeOf(first.ended)).toBe('SALDO_DATABASE_UNAVAILABLE')
    expect(first.states).toEqual(['fencing', 'restoring'])
    const second = start(here, {
      store,
      pace,
      limit,
      cellsMax: 1,
    })
    await send(here, wish(amended({ note: 'after the upgrade' })))
    await second.answered()
    await second.stop()
    expect(second.restored[0]?.from).toBeGreaterThan(0n)
    expect(outcomesOf(here).at(-1)?.verdict).toBe('accepted')
    expect(anomaliesOf(await remainsOf({ ...here, store }))).toEqual([])
  })

  test('is never followed by an older one, which refuses and says what to run', async () => {
    const here = world()
    await withHistory(here, 1)
    await runOnce(here, { store: here.store.ofGeneration(2) })
    const older = start(here)
    expect(await codeOf(older.ended)).toBe('SALDO_RELEASE_OUTDATED')
    await expect(older.ended).rejects.toThrow(/generation 2.*run the release that wrote them/)
    expect(older.states).toEqual(['fencing'])
  })

  // Both fence the log and then the checkpoints: the last of the log may be the first of the checkpoints.
  test('leaves an older owner of the log nothing that it could take for an empty ledger', async () => {
    const here = world()
    await send(here, wish(opened), wish(groceries))
    await runOnce(here)
    const store = here.store.ofGeneration(2)
    const held = Promise.withResolvers<void>()
    const newer = start(here, {
      store: {
        ...store,
        takeOver: (...which) => held.promise.then(() => store.takeOver(...which)),
      },
      pace: { ...NEVER, changedStates: 1 },
      limit: { records: 1, bytes: 1_000_000 },
    })
    await turnsUntil(() => newer.states.includes('fencing'))
    const older = start(here)
    await turnsUntil(() => older.states.includes('running'))
    held.resolve()
    await newer.ended
    await send(here, wish(opened))
    expect(await codeOf(Promise.race([older.ended, older.answered()]))).toBe(
      'SALDO_RELEASE_OUTDATED',
    )
    await runOnce(here, { store })
    expect(outcomesOf(here).map(({ verdict }) => verdict)).toEqual([
      'accepted',
      'accepted',
      'duplicate',
    ])
    expect(anomaliesOf(await remainsOf({ ...here, store }))).toEqual([])
  })

  test('does not forget the offset that the older checkpoints have seen', async () => {
    const here = world()
    await withHistory(here, 1)
    const lost: World['log'] = {
      ...here.log,
      async acquire(place) {
        return { ...(await here.log.acquire(place)), committed: undefined }
      },
    }
    const run = start(here, { log: lost, store: here.store.ofGeneration(2) })
    expect(await codeOf(run.ended)).toBe('SALDO_OFFSET_LOST')
  })
})

test('a checkpoint that a newer release encoded is refused by name, not taken for damage', async () => {
  const here = newWorld({ seed: 3, now: () => NOW })
  await send(here, wish(opened))
  await runOnce(here)
  const key = here.keys.cached('user-1')
  if (key === undefined || key === 'shredded') throw new Error('no key')
  const newer: CheckpointStore = {
    ...here.store,
    async load(wanted) {
      const rows = await here.store.load(wanted)
      return rows.map((row) => {
        const place = `${row.userId}|state|${row.stateType}|${row.stateId}|${row.sequence}`
        const bytes = open(key.sealing, row.state, place)
        bytes.writeInt32BE(bytes.readInt32BE(1) + 1, 1)
        return { ...row, state: seal(key.sealing, bytes, place) }
      })
    },
  }
  await send(here, wish(groceries))
  const run = start(here, { store: newer })
  await expect(run.ended).rejects.toMatchObject({
    code: 'SALDO_RELEASE_OUTDATED',
    message: expect.stringMatching(/^the checkpoint of a \w+ has schema id \d+, .*run the release/),
  })
  expect(outcomesOf(here)).toHaveLength(1)
})

describe('a log that was restored from an older copy', () => {
  const place = { topic: 'ledger.events', partition: 0 } as const
  /** A log with two events, and the progress of a checkpoint that holds both. */
  async function history(): Promise<{ here: World; progress: CheckpointProgress }> {
    const here = newWorld({ seed: 3, now: () => NOW })
    await send(here, wish(opened), wish(groceries))
    await runOnce(here)
    const last = here.log.committed(place).at(-1)
    const progress = await here.store.takeOver(0, here.log.identity)
    return { here, progress: { ...progress, eventsOffset: (last?.offset ?? 0n) + 1n } }
  }

  test('is refused when it ends before what checkpoints hold, before any offset is called lost', async () => {
    const { here } = await history()
    const older = { ...newWorld({ seed: 3, now: () => NOW }), store: here.store }
    await expect(start(older).ended).rejects.toMatchObject({
      code: 'SALDO_LOG_MISMATCH',
      message: expect.stringMatching(/ahead of the log .*bring back the one that/),
    })
  })

  test('is refused when another event stands where the last one of a checkpoint stood', async () => {
    const { here, progress } = await history()
    const end = await here.log.end(place)
    await expect(checkCheckpoint(here.log, 0, progress, end)).resolves.toBeUndefined()
    const other = { ...progress, lastEventId: '00000000-0000-8000-8000-000000000000' }
    await expect(checkCheckpoint(here.log, 0, other, end)).rejects.toMatchObject({
      code: 'SALDO_LOG_MISMATCH',
      message: expect.stringMatching(/^the event at partition 0 offset \d+ is .*bring back/),
    })
  })

  test('is found out behind a hole in the offsets, and not suspected where nobody knew the last event', async () => {
    const { here, progress } = await history()
    const end = await here.log.end(place)
    const behind = { ...progress, eventsOffset: end + 1n }
    await expect(checkCheckpoint(here.log, 0, behind, end + 2n)).resolves.toBeUndefined()
    const another = { ...behind, lastEventId: 'another' }
    await expect(checkCheckpoint(here.log, 0, another, end + 2n)).rejects.toMatchObject({
      code: 'SALDO_LOG_MISMATCH',
    })
    const unknown = { ...progress, lastEventId: undefined }
    await expect(checkCheckpoint(here.log, 0, unknown, end)).resolves.toBeUndefined()
  })

  test('is known by the last event, whether it was decided or restored by the owner that stored it', async () => {
    const { here, progress } = await history()
    const decided = eventCodec.decode(here.log.committed(place).at(-1)?.value ?? Buffer.of())
    expect(progress.lastEventId).toBe(decided.eventId)
    await send(here, wish(amended({ note: 'one more' })))
    const crashed = start(here)
    await crashed.answered()
    here.log.crash()
    await crashed.ended.catch(() => undefined)
    const next = { ...here, log: here.log.reopen() }
    await runOnce(next)
    const restored = eventCodec.decode(next.log.committed(place).at(-1)?.value ?? Buffer.of())
    expect(restored.eventId).not.toBe(decided.eventId)
    const { lastEventId } = await here.store.takeOver(0, next.log.identity)
    expect(lastEventId).toBe(restored.eventId)
  })
})
