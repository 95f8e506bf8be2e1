import { describe, expect, test } from 'vitest'
import { SaldoError } from '../../schemas/errors.ts'
import type { CheckpointStore } from '../../sink/checkpoint-store.ts'
import type { LogFault } from '../../topology/log/memory-log.ts'
import { codeOf } from '../contracts/log-records.ts'
import {
  commandRecord,
  commandsPlace,
  newWorld,
  remainsOf,
  turn,
  turnsUntil,
  type World,
} from '../support/actor-world.ts'
import { groceries, opened, recorded } from '../support/example-commands.ts'
import { poisoned as poisonedOf, withPoison } from '../support/poison.ts'
import { anomaliesOf } from '../support/history-judge.ts'
import { NOW } from '../support/specification.ts'
import {
  NEVER,
  wish,
  start,
  isAnswered,
  send,
  runOnce,
  outcomesOf,
  verdicts,
  watched,
} from '../support/actor-run.ts'

describe('an owner', () => {
  const world = (): World => newWorld({ seed: 5, now: () => NOW })

  test('of a group that lost its offset stops, whether it is gone or smaller', async () => {
    const here = world()
    await send(here, wish(opened))
    const crashing = here.log.reopen()
    const first = start(here, { log: crashing })
    await first.answered()
    crashing.crash()
    await first.ended.catch(() => undefined)
    const { log } = here
    const forgetful: World['log'] = {
      ...log,
      acquire: async (place) => ({ ...(await log.acquire(place)), committed: undefined }),
    }
    expect(await codeOf(start(here, { log: forgetful }).ended)).toBe('SALDO_OFFSET_LOST')

    await runOnce(here)
    const behind: World['log'] = {
      ...log,
      acquire: async (place) => ({ ...(await log.acquire(place)), committed: 0n }),
    }
    expect(await codeOf(start(here, { log: behind }).ended)).toBe('SALDO_OFFSET_LOST')
    expect(verdicts(here)).toEqual(['accepted'])
  })

  test('whose log is shorter than its checkpoint, or another one, stops', async () => {
    const here = world()
    await send(here, wish(opened))
    await runOnce(here)
    const shorter: World['log'] = { ...here.log, end: () => Promise.resolve(0n) }
    expect(await codeOf(start(here, { log: shorter }).ended)).toBe('SALDO_LOG_MISMATCH')
    const other = newWorld({ seed: 6, now: () => NOW })
    expect(await codeOf(start({ ...other, store: here.store }).ended)).toBe('SALDO_LOG_MISMATCH')
  })

  test('stops at an event that it cannot read', async () => {
    const here = world()
    await here.log
      .producer()
      .append([{ ...commandRecord(wish(opened)), topic: 'ledger.events', value: Buffer.from('?') }])
    expect(await codeOf(start(here).ended)).toBe('SALDO_EVENT_UNREADABLE')
  })

  test('that is replaced decides no more, and commits nothing', async () => {
    const here = world()
    const run = start(here)
    await turnsUntil(() => run.states.includes('running'))
    await here.log.acquire(commandsPlace)
    await run.ended
    await send(here, wish(opened))
    await turn()
    expect(outcomesOf(here)).toEqual([])
    expect(run.states).not.toContain('draining')
  })

  test('waits at a gap in the offsets instead of asking again and again', async () => {
    const here = world()
    const aborting = here.log.reopen({
      fault: (step) => (step === 'before-commit' ? 'fail' : 'none'),
    })
    const lease = await aborting.acquire(commandsPlace)
    await codeOf(lease.commit([commandRecord(wish(opened))], 0n))
    let reads = 0
    const log = here.log.reopen({
      fault: (step) => (step === 'read' && reads++ > 50 ? 'fail' : 'none'),
    })
    const run = start(here, { log })
    for (let n = 0; n < 20; n++) await turn()
    expect(reads).toBeLessThan(5)
    await run.stop()
  })

  test.each([
    ['states', { changedStatesMax: 3 }],
    ['bytes', { changedBytesMax: 300 }],
    ['time', { everyMs: 1 }],
  ])('stops reading commands while too much is not yet stored, in %s', async (_, bound) => {
    const here = world()
    const saving = Promise.withResolvers<void>()
    const store = watched(here.store)
    const slow: CheckpointStore = {
      ...store,
      async save(batch) {
        await saving.promise
        return store.save(batch)
      },
    }
    const pace = { ...NEVER, ...bound }
    const limit = { records: 1, bytes: 1_000_000 }
    let time = 0
    const run = start(here, { store: slow, pace, limit, now: () => ++time })
    const users = ['user-1', 'user-2', 'user-3', 'user-4', 'user-5', 'user-6', 'user-7', 'user-8']
    await send(here, ...users.map((user) => wish(opened, user)))
    for (let n = 0; n < 50; n++) await turn()
    expect(outcomesOf(here).length).toBeLessThan(users.length)
    saving.resolve()
    await run.answered()
    await run.stop()
    expect(outcomesOf(here)).toHaveLength(users.length)
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('stores few states early when they are large', async () => {
    const here = world()
    const stored: number[] = []
    const store: CheckpointStore = {
      ...here.store,
      save(batch) {
        stored.push(batch.rows.length)
        return here.store.save(batch)
      },
    }
    const run = start(here, { store, pace: { ...NEVER, changedBytes: 700 } })
    await send(here, wish(opened))
    await run.answered()
    await turn()
    expect(stored).toEqual([])
    await send(here, wish(recorded({ note: 'long '.repeat(80) })))
    await turnsUntil(() => stored.length > 0)
    await send(here, wish(recorded({ transactionId: 't-2' })))
    await run.answered()
    expect(stored).toHaveLength(1)
    await run.stop()
  })

  test('whose store refuses a checkpoint ends, and the next one has everything', async () => {
    const here = world()
    const pace = { ...NEVER, changedStates: 1 }
    const run = start(here, { pace })
    await turnsUntil(() => run.states.includes('running'))
    await here.store.takeOver(0, here.log.identity)
    await send(here, wish(opened))
    await turnsUntil(() => isAnswered(here))
    await send(here, wish(groceries))
    expect(await codeOf(run.ended)).toBe('SALDO_LEASE_FENCED')
    await runOnce(here)
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  // It was fenced in the log before it raised the epoch of the progress, so there are two owners: one of the log, one
  // of the checkpoints. What it takes for the end of its own events may be the other one's.
  test('that was held up between its two fences does not checkpoint what another one committed', async () => {
    const here = world()
    const acquired = Promise.withResolvers<void>()
    const cutting = Promise.withResolvers<LogFault>()
    let ends = 0
    const log = here.log.reopen({
      fault: (step) => (step === 'end' && ++ends === 2 ? cutting.promise : 'none'),
    })
    log.cutOff()
    const held: CheckpointStore = {
      ...here.store,
      async takeOver(partition, identity) {
        await acquired.promise
        return here.store.takeOver(partition, identity)
      },
    }
    const zombie = start(here, { log, store: held, pace: { ...NEVER, everyMs: 0 } })
    await turn()
    const owner = start(here)
    await turnsUntil(() => owner.states.includes('running'))
    acquired.resolve()
    await turnsUntil(() => ends === 2)
    await send(here, wish(opened))
    await owner.answered()
    cutting.resolve('none')
    await turn()
    await zombie.stop().catch(() => undefined)
    await owner.stop().catch(() => undefined)
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('does not follow a checkpoint that failed with another one, even at the end of a commit', async () => {
    const here = world()
    const saving = Promise.withResolvers<void>()
    let saves = 0
    const store: CheckpointStore = {
      ...here.store,
      async save(batch) {
        if (++saves === 1) await saving.promise
        return here.store.save(batch)
      },
    }
    let commits = 0
    const log = here.log.reopen({
      async fault(step): Promise<LogFault> {
        if (step !== 'before-commit' || ++commits < 2) return 'none'
        saving.reject(new SaldoError('SALDO_DATABASE_UNAVAILABLE', 'away', { retryable: true }))
        await turn()
        return 'none'
      },
    })
    const owner = start(here, { log, store, pace: { ...NEVER, changedStates: 1 } })
    await send(here, wish(opened))
    await owner.answered()
    await send(here, wish(groceries))
    expect(await codeOf(owner.ended)).toBe('SALDO_DATABASE_UNAVAILABLE')
    expect(await here.store.takeOver(0, here.log.identity)).toMatchObject({ eventsOffset: 0n })
    await runOnce(here)
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('that meets rows of a newer owner was replaced, and that is no fault', async () => {
    const here = world()
    await send(here, wish(opened))
    const restoring = Promise.withResolvers<void>()
    const store: CheckpointStore = {
      ...here.store,
      async load(wanted) {
        await restoring.promise
        return here.store.load(wanted)
      },
    }
    const crashed = here.log.reopen()
    await start(here, { log: crashed }).answered()
    crashed.crash()
    // Its log does not tell it that it was replaced, as that of a process that was stopped for a while.
    const log = here.log.reopen()
    log.cutOff()
    const slow = start(here, { log, store })
    await turnsUntil(() => slow.states.includes('restoring'))
    await runOnce(here)
    restoring.resolve()
    expect(await codeOf(slow.ended)).toBe('SALDO_LEASE_FENCED')
  })

  test('that was replaced tells nobody of what failed in a batch that it cannot commit', async () => {
    const here = world()
    const poisoned = withPoison(here.keys)
    const committing = Promise.withResolvers<LogFault>()
    const log = here.log.reopen({
      fault: (step) => (step === 'before-commit' ? committing.promise : 'none'),
    })
    log.cutOff()
    await send(here, wish(opened), poisonedOf(wish(groceries)))
    const old = start(here, { log, keys: { ...poisoned, operator: here.keys.operator } })
    await turnsUntil(() => old.states.includes('running'))
    await runOnce(here)
    committing.resolve('none')
    expect(await codeOf(old.ended)).toBe('SALDO_LEASE_FENCED')
    expect(old.faults).toEqual([])
  })
})
