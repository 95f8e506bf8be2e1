import { describe, expect, test } from 'vitest'
import type { Sharding } from '../../actors/host/host.ts'
import { open } from '../../privacy/seal.ts'
import { commandCodec, deadLetterCodec, eventCodec, outcomeCodec } from '../../schemas/codec.ts'
import { SaldoError } from '../../schemas/errors.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { LedgerCommand, LedgerCommandBody } from '../../schemas/types.ts'
import type { CheckpointStore } from '../../sink/checkpoint-store.ts'
import { COMMAND_BYTES_MAX } from '../../schemas/topics.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import type { LogFault } from '../../topology/log/memory-log.ts'
import { runActors, type ActorDeps, type LeaseState } from '../../topology/run-actors.ts'
import { codeOf } from '../contracts/log.contract.ts'
import {
  commandRecord,
  commandsPlace,
  newWorld,
  remainsOf,
  turn,
  turnsUntil,
  type World,
} from '../support/actor-world.ts'
import { amended, groceries, opened, recorded } from '../support/example-commands.ts'
import { anomaliesOf } from '../support/history-judge.ts'
import { commandIdOf, NOW } from '../support/specification.ts'

const NEVER: ActorDeps['pace'] = { everyMs: Infinity, changedStates: 1e9, changedStatesMax: 1e9 }

let sent = 0
function wish(body: LedgerCommandBody, userId = 'user-1'): LedgerCommand {
  return {
    commandId: commandIdOf(++sent),
    userId,
    issuedAt: NOW,
    expectedVersion: null,
    initiator: { kind: 'user', id: userId },
    traceparent: null,
    body,
  }
}

type Run = {
  readonly ended: Promise<void>
  readonly states: LeaseState[]
  readonly faults: unknown[]
  readonly commits: { readonly answers: number; readonly deadLetters: number }[]
  /** Every command is answered. */
  answered(): Promise<void>
  /** Drains and ends. */
  stop(): Promise<void>
}

function start(world: World, changes: Partial<ActorDeps> = {}): Run {
  const stop = new AbortController()
  const states: LeaseState[] = []
  const faults: unknown[] = []
  const commits: Run['commits'] = []
  const deps: ActorDeps = {
    log: world.log,
    store: world.store,
    keys: world.keys,
    sharding: 64,
    limit: { records: 100, bytes: 1_000_000 },
    pace: NEVER,
    cellsMax: 1_000,
    now: () => 0,
    observe: {
      state: (_, state) => states.push(state),
      committed: (_, { answers, deadLetters }) =>
        commits.push({ answers: answers.length, deadLetters }),
      fault: (_, error) => faults.push(error),
    },
    ...changes,
  }
  const ended = runActors(0, deps, stop.signal)
  ended.catch(() => undefined)
  return {
    ended,
    states,
    faults,
    commits,
    answered: () => Promise.race([turnsUntil(() => isAnswered(world)), ended]),
    async stop() {
      stop.abort()
      await ended
    },
  }
}

function isAnswered({ log }: World): boolean {
  const last = log.committed({ topic: 'ledger.commands', partition: 0 }).at(-1)
  return last === undefined || (log.groupOffset(commandsPlace) ?? 0n) > last.offset
}

function send({ log }: World, ...commands: readonly (LedgerCommand | NewRecord)[]): Promise<void> {
  return log
    .producer()
    .append(commands.map((one) => ('topic' in one ? one : commandRecord(one, log.partitions))))
}

/** Runs until every command is answered, then drains. */
async function runOnce(world: World, changes: Partial<ActorDeps> = {}): Promise<Run> {
  const run = start(world, changes)
  await run.answered()
  await run.stop()
  return run
}

const outcomesOf = ({ log }: World) =>
  log
    .committed({ topic: 'ledger.outcomes', partition: 0 })
    .map(({ value }) => outcomeCodec.decode(value))
const eventsOf = ({ log }: World) =>
  log
    .committed({ topic: 'ledger.events', partition: 0 })
    .map(({ value }) => eventCodec.decode(value))
const deadLettersOf = ({ log }: World) =>
  log
    .committed({ topic: 'ledger.dead-letters', partition: 0 })
    .map(({ value }) => deadLetterCodec.decode(value))
const verdicts = (world: World) => outcomesOf(world).map(({ verdict, code }) => code ?? verdict)

/** A store that says what it is asked for. */
function watched(
  store: CheckpointStore,
): CheckpointStore & { readonly loads: string[]; saves: number } {
  const loads: string[] = []
  const watching = {
    ...store,
    loads,
    saves: 0,
    load(wanted: Parameters<CheckpointStore['load']>[0]) {
      loads.push(...wanted.ledgers, ...wanted.transactions.map((one) => one.transactionId))
      return store.load(wanted)
    },
    save(batch: Parameters<CheckpointStore['save']>[0]) {
      watching.saves++
      return store.save(batch)
    },
  }
  return watching
}

describe.each([64, 'ledger'] as const satisfies Sharding[])('with sharding %s', (sharding) => {
  const world = (partitions = 1): World => newWorld({ seed: 3, partitions, now: () => NOW })

  test('commands become events and outcomes, in their order, in one commit with the offset', async () => {
    const here = world()
    await send(
      here,
      wish(opened),
      wish(opened, 'user-2'),
      wish(groceries),
      wish(recorded({ currency: 'USD', transactionId: 't-9' })),
      wish(groceries, 'user-2'),
      wish(groceries),
    )
    const run = await runOnce(here, { sharding })
    expect(run.states).toEqual(['fencing', 'restoring', 'running', 'draining'])
    expect(run.commits).toEqual([{ answers: 6, deadLetters: 0 }])
    expect(verdicts(here)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'currency-mismatch',
      'accepted',
      'duplicate',
    ])
    expect(
      eventsOf(here).map(({ userId, sequence, body }) => [userId, sequence, body.type]),
    ).toEqual([
      ['user-1', 1, 'AccountOpened'],
      ['user-2', 1, 'AccountOpened'],
      ['user-1', 2, 'TransactionCreated'],
      ['user-2', 2, 'TransactionCreated'],
    ])
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('what cannot be decoded, is too large or in the wrong partition becomes a dead letter, and the rest goes on', async () => {
    const here = world(4)
    const mine = ['user-1', 'user-2', 'user-3', 'user-4', 'user-5', 'user-6', 'user-7', 'user-8']
    const user = mine.find((id) => partitionOf(Buffer.from(id), 4) === 0) ?? ''
    const stranger = mine.find((id) => partitionOf(Buffer.from(id), 4) === 1) ?? ''
    const good = commandRecord(wish(opened, user), 4)
    const large = wish({ ...groceries, rawData: 'x'.repeat(COMMAND_BYTES_MAX) }, user)
    await send(
      here,
      { ...good, value: Buffer.from('not avro') },
      { ...good, value: Buffer.alloc(0) },
      { ...commandRecord(wish(opened, stranger), 4), partition: 0 },
      { ...good, key: Buffer.from('somebody-else') },
      commandRecord(large, 4),
      commandRecord(wish(opened, 'not an id'), 4),
      good,
    )
    await send(here, { ...commandRecord(wish(opened, 'not an id'), 4), partition: 0 })
    await runOnce(here, { sharding })
    const letters = deadLettersOf(here)
    expect(letters.map(({ cause }) => cause).filter((cause) => cause !== 'unreadable')).toEqual([
      'wrong-partition',
      'wrong-partition',
      'too-large',
    ])
    expect(letters.filter(({ cause }) => cause === 'unreadable').length).toBeGreaterThanOrEqual(3)
    expect(verdicts(here)).toEqual(['accepted'])
    const [first] = letters
    const commands = here.log.committed({ topic: 'ledger.commands', partition: 0 })
    expect(first?.offset).toBe(Number(commands[0]?.offset))
    const place = `dead letter|ledger.commands|0|${first?.offset}`
    expect(open(here.keys.operator, first?.payload ?? Buffer.alloc(0), place).toString()).toBe(
      'not avro',
    )
  })

  test('a throw while deciding fails that command alone: an outcome, a dead letter, no change', async () => {
    const here = world()
    const keys = {
      ...here.keys,
      async keysOf(userIds: readonly string[]) {
        const found = new Map(await here.keys.keysOf(userIds))
        const own = found.get('user-2')
        if (own !== undefined && own !== 'shredded') {
          found.set('user-2', {
            sealing: own.sealing,
            hash: () => {
              throw new Error('a fault of ours')
            },
          })
        }
        return found
      },
    }
    const broken = wish(opened, 'user-2')
    await send(here, wish(opened), broken, wish(groceries))
    const run = await runOnce(here, { sharding, keys })
    expect(verdicts(here)).toEqual(['accepted', 'failed', 'accepted'])
    expect(run.faults.map(String)).toEqual(['Error: a fault of ours'])
    const [letter] = deadLettersOf(here)
    expect(letter).toMatchObject({ cause: 'failed', topic: 'ledger.commands' })
    expect(letter?.payloadLength).toBe(commandCodec.encode(broken).length)
    expect(eventsOf(here).filter(({ userId }) => userId === 'user-2')).toEqual([])
    expect(anomaliesOf(await remainsOf(here))).toEqual([])

    await send(here, wish(opened, 'user-2'))
    await runOnce(here, { sharding })
    expect(verdicts(here).at(-1)).toBe('accepted')
  })

  test('a new owner restores what the checkpoint lacks, and its first checkpoint holds it all', async () => {
    const here = world()
    const crashing = here.log.reopen()
    await send(here, wish(opened), wish(groceries))
    await runOnce(here, { sharding })
    await send(here, wish(recorded({ transactionId: 't-2' })), wish(opened, 'user-2'))
    const run = start(here, { sharding, log: crashing })
    await run.answered()
    crashing.crash()
    await run.ended.catch(() => undefined)

    const store = watched(here.store)
    await send(here, wish(amended({ amountMinor: -1n })), wish(amended({ transactionId: 't-2' })))
    await runOnce(here, { sharding, store })
    expect(verdicts(here).slice(-2)).toEqual(['accepted', 'nothing-to-change'])
    expect(store.saves).toBe(1)
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
    const { checkpoint, events } = await remainsOf(here)
    expect(checkpoint.eventsOffset).toBeGreaterThan(events.at(-1)?.offset ?? 0n)
  })

  test('clean states leave memory after a checkpoint and are loaded again; nothing is decided without them', async () => {
    const here = world()
    const store = watched(here.store)
    const pace = { ...NEVER, changedStates: 1 }
    const run = start(here, { sharding, store, pace, cellsMax: 0, limit: { records: 1, bytes: 1 } })
    for (let n = 0; n < 4; n++) {
      await send(here, wish(opened), wish(groceries), wish(recorded({ transactionId: `t-${n}` })))
      await run.answered()
      await turn()
    }
    await run.stop()
    expect(verdicts(here).join(' ')).toBe(
      'accepted accepted accepted duplicate duplicate duplicate ' +
        'duplicate duplicate accepted duplicate duplicate accepted',
    )
    expect(store.loads.filter((one) => one === 'user-1').length).toBeGreaterThan(1)
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('a batch that is being loaded keeps its states while a checkpoint of the batch before lets states go', async () => {
    const here = world()
    await send(here, wish(opened), wish(groceries))
    await runOnce(here, { sharding })
    const commit = Promise.withResolvers<LogFault>()
    const load = Promise.withResolvers<void>()
    let commits = 0
    const log = here.log.reopen({
      fault: (step) => (step === 'before-commit' && ++commits === 1 ? commit.promise : 'none'),
    })
    const store = watched(here.store)
    const slow: CheckpointStore = {
      ...store,
      async load(wanted) {
        const rows = await store.load(wanted)
        if (store.loads.includes('user-1')) await load.promise
        return rows
      },
    }
    await send(here, wish(opened, 'user-2'), wish(groceries))
    const pace = { ...NEVER, changedStates: 1 }
    const limit = { records: 1, bytes: 1 }
    const run = start(here, { sharding, log, store: slow, pace, cellsMax: 0, limit })
    await turnsUntil(() => commits === 1)
    await turnsUntil(() => store.loads.includes('user-1'))
    load.resolve()
    commit.resolve('none')
    await run.answered()
    await run.stop()
    expect(verdicts(here).at(-1)).toBe('duplicate')
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('commands of an erased ledger are refused, and nothing of it is stored again', async () => {
    const here = world()
    await send(here, wish(opened), wish(groceries))
    const crashing = here.log.reopen()
    const run = start(here, { sharding, log: crashing })
    await run.answered()
    crashing.crash()
    await run.ended.catch(() => undefined)
    here.keys.shred('user-1')
    await send(here, wish(recorded({ transactionId: 't-2' })), wish(opened, 'user-2'))
    await runOnce(here, { sharding })
    expect(verdicts(here).slice(-2)).toEqual(['ledger-erased', 'accepted'])
    const { checkpoint } = await remainsOf(here)
    expect(new Set(checkpoint.rows.map(({ userId }) => userId))).toEqual(new Set(['user-2']))
  })
})

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

  test('stops reading commands while too much is not yet stored', async () => {
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
    const pace = { ...NEVER, changedStatesMax: 3 }
    const run = start(here, { store: slow, pace, limit: { records: 2, bytes: 1_000_000 } })
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
})
