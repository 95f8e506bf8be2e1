import { describe, expect, test } from 'vitest'
import type { Sharding } from '../../actors/host/host.ts'
import { open } from '../../privacy/seal.ts'
import { commandCodec } from '../../schemas/codec.ts'
import { COMMAND_BYTES_MAX } from '../../schemas/topics.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { CheckpointStore } from '../../sink/checkpoint-store.ts'
import type { LogFault } from '../../topology/log/memory-log.ts'
import {
  commandRecord,
  newWorld,
  remainsOf,
  turn,
  turnsUntil,
  type World,
} from '../support/actor-world.ts'
import { amended, budgeted, groceries, opened, recorded } from '../support/example-commands.ts'
import { anomaliesOf } from '../support/history-judge.ts'
import { NOW } from '../support/specification.ts'
import {
  NEVER,
  wish,
  start,
  send,
  runOnce,
  eventsOf,
  deadLettersOf,
  verdicts,
  watched,
} from '../support/actor-run.ts'

test('a budget that names no thresholds gets those of the setting, and keeps them', async () => {
  const here = newWorld({ seed: 3, partitions: 1, now: () => NOW })
  const own = budgeted({ budgetId: 'b-2', categoryId: 'health', thresholds: [70] })
  await send(here, wish(budgeted({})), wish(own))
  await runOnce(here, { budgetThresholds: [50, 60] })
  await send(here, wish(budgeted({ budgetId: 'b-3', currency: 'EUR' })))
  await runOnce(here)
  const thresholds = eventsOf(here).map(({ body }) =>
    body.type === 'BudgetSet' ? body.after.thresholds : [],
  )
  expect(thresholds).toEqual([[50, 60], [70], [80, 90, 100]])
})

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

  test('a throw while deciding fails that command and parks its ledger; everything else goes on', async () => {
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
    const [parked, ...more] = eventsOf(here).filter(({ userId }) => userId === 'user-2')
    expect(parked?.body).toEqual({ type: 'LedgerParked', through: letter?.offset })
    expect(more).toEqual([])
    expect(anomaliesOf(await remainsOf(here))).toEqual([])

    await send(here, wish(opened, 'user-2'))
    await runOnce(here, { sharding })
    expect(verdicts(here).at(-1)).toBe('parked')
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
