import { describe, expect, test } from 'vitest'
import { eventsOf, outcomesOf, send, verdicts, wish } from '../support/actor-run.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { LedgerCommand } from '../../schemas/types.ts'
import { unpark, type UnparkResult } from '../../topology/unpark.ts'
import { newWorld, remainsOf, turn, type World } from '../support/actor-world.ts'
import { amended, created, groceries, opened, recorded } from '../support/example-commands.ts'
import { anomaliesOf } from '../support/history-judge.ts'
import { answered, killedAt, runOnce, runOwners } from '../support/poisoned-run.ts'
import { commandIdOf, NOW } from '../support/specification.ts'

const world = (partitions = 1): World => newWorld({ seed: 4, partitions, now: () => NOW })
const poison = created('poison', 'Bad')

const bodies = (here: World) => eventsOf(here).map(({ body }) => body.type)

let ids = 500_000
function unparking(
  here: World,
  changes: Partial<Parameters<typeof unpark>[0]> = {},
): Promise<UnparkResult> {
  return unpark({
    log: here.log,
    keys: { ...here.keys, existingKeysOf: (userIds) => here.keys.keysOf(userIds) },
    userId: 'user-1',
    newId: () => commandIdOf(++ids),
    now: () => NOW,
    ...changes,
  })
}

/** Unparks while owners run, and drains them. */
async function unparked(
  here: World,
  changes: Partial<Parameters<typeof unpark>[0]> = {},
): Promise<UnparkResult> {
  const run = runOwners(here)
  const result = await Promise.race([unparking(here, changes), run.ended.then(never)])
  await run.stop()
  return result
}

function never(): never {
  throw new Error('the owners ended')
}

describe('a parked ledger', () => {
  test('keeps its later commands in order while the ledgers beside it go on', async () => {
    const here = world()
    await send(here, wish(opened), wish(poison), wish(groceries), wish(opened, 'user-2'))
    const { faults } = await runOnce(here)
    await send(here, wish(amended({ amountMinor: -1n })), wish(groceries, 'user-2'))
    await runOnce(here)
    expect(faults.map(String)).toEqual(['Error: a fault of ours'])
    expect(verdicts(here)).toEqual([
      'accepted',
      'failed',
      'parked',
      'accepted',
      'parked',
      'accepted',
    ])
    expect(bodies(here)).toEqual([
      'AccountOpened',
      'LedgerParked',
      'AccountOpened',
      'TransactionCreated',
    ])
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('stays parked when its owner dies before a checkpoint, and when it leaves memory', async () => {
    const here = world()
    const crashing = here.log.reopen()
    await send(here, wish(opened), wish(poison))
    const run = runOwners(here, { log: crashing })
    await answered(here, run)
    crashing.crash()
    await run.ended.catch(() => undefined)
    await send(here, wish(groceries))
    await runOnce(here)

    const pace = { everyMs: Infinity, changedStates: 1, changedStatesMax: 1e9 }
    const evicting = { cellsMax: 0, pace, limit: { records: 1, bytes: 1 } }
    await send(here, wish(opened, 'user-2'), wish(groceries), wish(groceries, 'user-2'))
    await runOnce(here, evicting)
    await send(here, wish(groceries))
    await runOnce(here, evicting)
    expect(verdicts(here)).toEqual([
      'accepted',
      'failed',
      'parked',
      'accepted',
      'parked',
      'accepted',
      'parked',
    ])
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  // The ledger may leave memory while what was set aside of it is being committed.
  test('is not unparked over a command that is on its way to where the parked ones are', async () => {
    for (let delay = 0; delay < 12; delay++) {
      const here = world()
      await send(here, wish(opened), wish(poison))
      await runOnce(here)
      const failedAt = outcomesOf(here)[1]?.commandOffset ?? 0
      const log = here.log.reopen({
        fault: (step) => (step === 'before-commit' ? turn().then(() => 'none') : 'none'),
      })
      const store: World['store'] = {
        ...here.store,
        async save(batch) {
          for (let n = 0; n < delay; n++) await Promise.resolve()
          return here.store.save(batch)
        },
      }
      const over = { type: 'UnparkLedger', parkedSequence: 2, through: failedAt } as const
      await send(here, wish(opened, 'user-2'), wish(groceries), wish(over))
      const pace = { everyMs: 0, changedStates: 1, changedStatesMax: 1e9 }
      await runOnce(here, { log, store, pace, cellsMax: 0, limit: { records: 1, bytes: 1 } })
      expect(verdicts(here).slice(-2)).toEqual(['parked', 'parked-commands-left'])
    }
  })

  test('is one in every partition, and no partition stops', async () => {
    const here = world(4)
    const users = Array.from({ length: 40 }, (_, n) => `user-${n}`)
    const poisoned = [0, 1, 2, 3].map(
      (partition) => users.find((user) => partitionOf(Buffer.from(user), 4) === partition) ?? '',
    )
    await send(here, ...poisoned.map((user) => wish(poison, user)))
    await send(here, ...users.map((user) => wish(opened, user)))
    await runOnce(here)
    for (const partition of [0, 1, 2, 3]) {
      const found = outcomesOf(here, partition).map(({ verdict }) => verdict)
      expect(found.slice(0, 2)).toEqual(['failed', 'parked'])
      expect(found.length).toBeGreaterThan(3)
      expect(new Set(found.slice(2))).toEqual(new Set(['accepted']))
    }
  })

  test('takes nothing that is sent again for another parking, out of its place or for another ledger', async () => {
    const here = world()
    await send(here, wish(poison), wish(opened))
    await runOnce(here)
    const inner = here.log.committed({ topic: 'ledger.commands', partition: 0 }).at(-1)
    const again = (parkedSequence: number, commandOffset: number): LedgerCommand =>
      wish({
        type: 'ResumeCommand',
        parkedSequence,
        commandOffset,
        command: inner?.value ?? Buffer.alloc(0),
      })
    await send(here, again(2, 1_000), again(1, 0), { ...again(1, 1_000), userId: 'user-2' })
    await runOnce(here)
    expect(verdicts(here)).toEqual(['failed', 'parked', 'parking-changed', 'parking-changed'])
    const letters = here.log.committed({ topic: 'ledger.dead-letters', partition: 0 })
    expect(letters).toHaveLength(2)
    expect(bodies(here)).toEqual(['LedgerParked'])
  })
})

describe('unpark', () => {
  test('decides the parked commands once, in their order, under their own ids', async () => {
    const here = world()
    const commands = [wish(opened), wish(groceries), wish(amended({ amountMinor: -7n }))]
    await send(here, wish(poison), ...commands)
    await runOnce(here)
    expect(await unparked(here)).toEqual({ end: 'unparked', answers: { accepted: 3 } })
    expect(bodies(here)).toEqual([
      'LedgerParked',
      'AccountOpened',
      'TransactionCreated',
      'TransactionUpdated',
      'LedgerUnparked',
    ])
    const causes = eventsOf(here).map(({ commandId }) => commandId)
    expect(causes.slice(1, 4)).toEqual(commands.map(({ commandId }) => commandId))
    await send(here, wish(recorded({ transactionId: 't-2' })))
    await runOnce(here)
    expect(verdicts(here).at(-1)).toBe('accepted')
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('sends portion by portion, and commands that come meanwhile wait behind the parked ones', async () => {
    const here = world()
    const amounts = Array.from({ length: 9 }, (_, n) => BigInt(n + 1))
    await send(here, wish(opened), wish(groceries), wish(poison))
    await send(here, ...amounts.map((amountMinor) => wish(amended({ amountMinor }))))
    await runOnce(here)
    // Before every portion but the first, somebody sends one more.
    let late = 10n
    const log = {
      ...here.log,
      producer() {
        const producer = here.log.producer()
        return {
          ...producer,
          async append(records: Parameters<typeof producer.append>[0]) {
            if (late < 13n) await send(here, wish(amended({ amountMinor: late++ })))
            await producer.append(records)
          },
        }
      },
    }
    const result = await unparked(here, { log, portion: { records: 4, bytes: 1e6 } })
    expect(result).toEqual({ end: 'unparked', answers: { accepted: 12 } })
    const updates = eventsOf(here).flatMap(({ body }) =>
      body.type === 'TransactionUpdated' ? [body.after.amountMinor] : [],
    )
    expect(updates).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n, 11n, 12n])
    expect(bodies(here).filter((type) => type.startsWith('Ledger'))).toEqual([
      'LedgerParked',
      'LedgerResumed',
      'LedgerResumed',
      'LedgerResumed',
      'LedgerUnparked',
    ])
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('killed at any call and run again neither loses nor repeats a command', async () => {
    const amounts = Array.from({ length: 7 }, (_, n) => BigInt(n + 1))
    let wasKilled = true
    for (let n = 1; wasKilled; n++) {
      const here = world()
      await send(here, wish(opened), wish(groceries), wish(poison))
      await send(here, ...amounts.map((amountMinor) => wish(amended({ amountMinor }))))
      const run = runOwners(here)
      await answered(here, run)
      const portion = { records: 3, bytes: 1e6 }
      const first = await unparking(here, { log: killedAt(here.log, n), portion }).catch(String)
      wasKilled = first === 'Error: killed'
      const second = await unparking(here, { portion })
      expect(['unparked', 'not-parked']).toContain(second.end)
      await answered(here, run)
      await run.stop()
      const updates = eventsOf(here).flatMap(({ body }) =>
        body.type === 'TransactionUpdated' ? [body.after.amountMinor] : [],
      )
      expect(updates).toEqual(amounts)
      expect(anomaliesOf(await remainsOf(here))).toEqual([])
    }
  })

  // More than the ledger remembers by id: what was sent before the kill must be known by its place.
  test('killed in the middle of more commands than the window holds repeats none', async () => {
    const amounts = Array.from({ length: 330 }, (_, n) => BigInt((n % 2) + 1))
    let wasKilled = true
    for (let n = 20; wasKilled; n += 4) {
      const here = world()
      await send(here, wish(opened), wish(groceries), wish(poison))
      await send(here, ...amounts.map((amountMinor) => wish(amended({ amountMinor }))))
      const run = runOwners(here)
      await answered(here, run)
      const first = await unparking(here, { log: killedAt(here.log, n) }).catch(String)
      wasKilled = first === 'Error: killed'
      await unparking(here)
      await answered(here, run)
      await run.stop()
      expect(bodies(here).filter((type) => type === 'TransactionUpdated')).toHaveLength(330)
      expect(bodies(here).at(-1)).toBe('LedgerUnparked')
    }
  })

  test('twice at once does no harm', async () => {
    const here = world()
    const amounts = Array.from({ length: 20 }, (_, n) => BigInt(n + 1))
    await send(here, wish(opened), wish(groceries), wish(poison))
    await send(here, ...amounts.map((amountMinor) => wish(amended({ amountMinor }))))
    await runOnce(here)
    const run = runOwners(here)
    const portion = { records: 2, bytes: 1e6 }
    const both = [unparking(here, { portion }), unparking(here, { portion })]
    const ends = await Promise.all(both)
    await answered(here, run)
    await run.stop()
    expect(ends.map(({ end }) => end)).toContain('unparked')
    const updates = eventsOf(here).flatMap(({ body }) =>
      body.type === 'TransactionUpdated' ? [body.after.amountMinor] : [],
    )
    expect(updates).toEqual(amounts)
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('parks the ledger again behind a command that fails again, and goes on after it the next time', async () => {
    const here = world()
    await send(here, wish(opened), wish(poison), wish(groceries), wish(created('poison-2', 'Bad')))
    await send(here, wish(amended({ amountMinor: -7n })))
    await runOnce(here)
    expect(await unparked(here)).toEqual({
      end: 'parked-again',
      answers: { accepted: 1, failed: 1 },
    })
    expect(await unparked(here)).toEqual({ end: 'unparked', answers: { accepted: 1 } })
    expect(await unparked(here)).toEqual({ end: 'not-parked', answers: {} })
    expect(bodies(here)).toEqual([
      'AccountOpened',
      'LedgerParked',
      'TransactionCreated',
      'LedgerParked',
      'TransactionUpdated',
      'LedgerUnparked',
    ])
    expect(anomaliesOf(await remainsOf(here))).toEqual([])
  })

  test('of an erased ledger sends nothing', async () => {
    const here = world()
    await send(here, wish(poison), wish(opened))
    await runOnce(here)
    here.keys.shred('user-1')
    expect(await unparking(here)).toEqual({ end: 'erased', answers: {} })
  })
})
