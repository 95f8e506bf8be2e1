import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { eventCodec, expenseEventCodec } from '../../schemas/codec.ts'
import { SaldoError } from '../../schemas/errors.ts'
import { memoryLog, type MemoryLog, type MemoryLogOptions } from '../../topology/log/memory-log.ts'
import type { Lease, NewRecord } from '../../topology/log/log.ts'
import { runStreams, STREAM_GROUP, streams, type StreamDeps } from '../../topology/run-streams.ts'
import { codeOf } from '../contracts/log-records.ts'
import { turn, turnsUntil } from '../support/actor-world.ts'
import { arbitraryCommand } from '../support/arbitrary-commands.ts'
import { sourcedEvents } from '../support/sourced-events.ts'

const place = { topic: 'ledger.events', partition: 0 } as const
const groupPlace = { ...place, group: STREAM_GROUP }
const commands = fc.sample(arbitraryCommand, { seed: 20_261_122, numRuns: 200 })
const events: readonly NewRecord[] = sourcedEvents(commands).map(({ item, value }) => ({
  ...place,
  key: Buffer.from(item.userId),
  value,
}))
/** By topic what has to be in it: each record as text, in order. */
const expected = new Map(
  streams.map(({ topic, valueOf }) => [
    topic,
    events.flatMap(({ key, value }) => {
      const made = valueOf(eventCodec.decode(value))
      return made === undefined ? [] : [`${key.toString()} ${made.toString('hex')}`]
    }),
  ]),
)

let log: MemoryLog
beforeEach(async () => {
  log = memoryLog({ partitions: 1, seed: 7, now: () => 0 })
  await log.producer().append(events)
})

/** By topic what is in it. */
const written = (): typeof expected =>
  new Map(
    streams.map(({ topic }) => [
      topic,
      log
        .committed({ topic, partition: 0 })
        .map(({ key, value }) => `${key.toString()} ${value.toString('hex')}`),
    ]),
  )

const isDone = (): boolean =>
  (log.groupOffset(groupPlace) ?? 0n) > (log.committed(place).at(-1)?.offset ?? -1n)

function start(changes: Partial<StreamDeps> = {}) {
  const stop = new AbortController()
  const batches: number[] = []
  const deps: StreamDeps = {
    log,
    streams,
    limit: { records: 20, bytes: 1_000_000 },
    observe: { committed: (_, batch) => batches.push(batch.events) },
    ...changes,
  }
  const ended = runStreams(0, deps, stop.signal)
  ended.catch(() => undefined)
  return {
    ended,
    batches,
    async stop() {
      stop.abort()
      await ended
    },
  }
}

async function runToTheEnd(changes: Partial<StreamDeps> = {}): Promise<void> {
  const run = start(changes)
  await Promise.race([turnsUntil(isDone), run.ended])
  await run.stop()
}

const faulty = (fault: NonNullable<MemoryLogOptions['fault']>): MemoryLog => log.reopen({ fault })

describe('the streams of a partition', () => {
  test('write what follows from each event, in the order of the events, and go on as events come', async () => {
    expect([...expected.values()].map((records) => records.length > 0)).toEqual([true, true, true])
    const run = start()
    await turnsUntil(isDone)
    expect(written()).toEqual(expected)
    expect(run.batches.length).toBeGreaterThan(1)
    const [first] = events
    await log.producer().append(first === undefined ? [] : [first])
    await turnsUntil(isDone)
    expect(run.batches.at(-1)).toBe(1)
    await run.stop()
  })

  test('pass events that say nothing, and do not read them again', async () => {
    await runToTheEnd({ streams: [] })
    // What an aborted batch leaves: an end behind which there is nothing.
    const aborting = faulty((step) => (step === 'before-commit' ? 'fail' : 'none'))
    const other = await aborting.acquire({ ...place, group: 'another' })
    await codeOf(other.commit(events.slice(0, 1), 0n))
    let reads = 0
    const counting = faulty((step) => {
      if (step === 'read') reads++
      // Without an end a mistake would never give the test its turn.
      return reads > 50 ? 'fail' : 'none'
    })
    const run = start({ log: counting })
    for (let n = 0; n < 20; n++) await turn()
    await run.stop()
    expect(reads).toBeLessThan(4)
    expect(run.batches).toEqual([])
  })

  test('stop at an event that cannot be read, and write nothing of its batch', async () => {
    await runToTheEnd()
    const before = written()
    await log.producer().append([{ ...place, key: Buffer.from('u'), value: Buffer.from('?') }])
    expect(await codeOf(start().ended)).toBe('SALDO_EVENT_UNREADABLE')
    expect(written()).toEqual(before)
  })

  test('a step that throws stops the partition: nothing is skipped, and nothing written', async () => {
    const broken = {
      ...streams[0],
      name: 'broken',
      topic: 'transactions.created',
      valueOf: () => {
        throw new Error('a fault of ours')
      },
    } as const
    await expect(start({ streams: [broken] }).ended).rejects.toThrow('a fault of ours')
    expect(log.groupOffset(groupPlace)).toBeUndefined()
  })

  test('of a group that lost its offset do not write everything again', async () => {
    await runToTheEnd()
    const before = written()
    const forgetful = async (): Promise<Lease> => ({
      ...(await log.acquire(groupPlace)),
      committed: undefined,
    })
    expect(await codeOf(start({ log: { ...log, acquire: forgetful } }).ended)).toBe(
      'SALDO_OFFSET_LOST',
    )
    expect(written()).toEqual(before)
  })

  test('of a group that is ahead of the log stop: it is another log, or an older one', async () => {
    const ahead = async (): Promise<Lease> => ({
      ...(await log.acquire(groupPlace)),
      committed: 10_000n,
    })
    expect(await codeOf(start({ log: { ...log, acquire: ahead } }).ended)).toBe(
      'SALDO_LOG_MISMATCH',
    )
  })
})

/**
 * Goal: whatever fails at whatever step, every record is written once, in order.
 * Method: the n-th step fails, loses its answer, or is the last of its process; whoever comes next runs to the end.
 * Catches: the offset committed apart from the records, a batch written again after a doubt, a first read at the wrong place.
 */
describe.each(['fail', 'in-doubt', 'crash'] as const)('%s at any step', (what) => {
  test('leaves every record once', async () => {
    for (let at = 1; ; at++) {
      log = memoryLog({ partitions: 1, seed: at, now: () => 0 })
      await log.producer().append(events)
      let steps = 0
      const failing = faulty(() => {
        if (++steps !== at) return 'none'
        if (what !== 'crash') return what
        failing.crash()
        return 'none'
      })
      const run = start({ log: failing })
      const outcome = await Promise.race([
        turnsUntil(() => isDone() || steps >= at + 5).then(() => undefined),
        run.ended.catch((error: unknown) => error),
      ])
      if (outcome !== undefined) expect(outcome).toBeInstanceOf(SaldoError)
      await run.stop().catch(() => undefined)
      await runToTheEnd()
      expect(written()).toEqual(expected)
      if (steps < at) break
    }
  })
})

test('an owner that was replaced and does not know it writes nothing any more', async () => {
  const commit = Promise.withResolvers<'none'>()
  const deaf = faulty((step) => (step === 'before-commit' ? commit.promise : 'none'))
  deaf.cutOff()
  const zombie = start({ log: deaf })
  for (let n = 0; n < 10; n++) await turn()
  await runToTheEnd()
  commit.resolve('none')
  expect(await codeOf(zombie.ended)).toBe('SALDO_LEASE_FENCED')
  expect(written()).toEqual(expected)
})

test('the records of expenses open to what the codec says', () => {
  const [first = ''] = expected.get('expenses.events') ?? []
  const value = Buffer.from(first.split(' ')[1] ?? '', 'hex')
  expect(expenseEventCodec.decode(value).body.type).toBe('ExpenseCreated')
})
