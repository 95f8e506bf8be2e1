import { beforeEach, describe, expect, test } from 'vitest'
import type { Outcome } from '../../schemas/types.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import { AnswersFold } from '../../topology/verify-answers.ts'
import type { Keyed } from '../../topology/verify-fold.ts'
import { place, readAll, record } from '../contracts/log-records.ts'

const commands = place('ledger.commands')

function answerTo(offset: bigint): Keyed<Outcome> {
  const item: Outcome = {
    commandId: '2dd583c9-ce3a-4fd4-b2a5-4f80587b8383',
    userId: 'user-1',
    verdict: 'rejected',
    recordedAt: 0,
    commandPartition: 0,
    commandOffset: Number(offset),
    aggregateType: null,
    aggregateId: null,
    version: null,
    eventIds: [],
    firstSequence: null,
    path: 'body',
    code: 'a-code',
    sentence: 'a sentence',
  }
  return { item, key: 'user-1', partition: 0, offset, value: Buffer.alloc(0) }
}

describe('where offsets jump, verify', () => {
  let log: MemoryLog
  let offsets: readonly bigint[]

  beforeEach(async () => {
    log = memoryLog({ partitions: 1, seed: 7, now: () => 0 })
    const producer = log.producer()
    for (const letter of 'abcdefghijklmnop') {
      await producer.append([record(letter, 'ledger.commands')])
    }
    offsets = (await readAll(log, commands)).map(({ offset }) => offset)
    expect(offsets.at(-1)).toBeGreaterThan(BigInt(offsets.length))
  })

  /** The offsets that something is found at, and what. */
  async function foundWith(answered: readonly bigint[], behind?: bigint) {
    const found: [string | undefined, string][] = []
    const partition = {
      log,
      keys: { existingKeysOf: () => Promise.resolve(new Map()) },
      partition: 0,
      note: ({ problem, key }: { problem: string; key?: { [column: string]: string } }) =>
        void found.push([key?.['commandOffset'], problem]),
      unjudged: new Set<string>(),
    }
    const fold = new AnswersFold(partition, behind ?? (await log.end(commands)))
    await fold.takeCommands()
    fold.take(answered.map(answerTo))
    fold.judge(0)
    return found
  }

  test('takes no hole for a command without an answer', async () => {
    expect(await foundWith(offsets)).toEqual([])
  })

  test('finds a command without an answer, and nothing behind the offset of the group', async () => {
    const [first, second = 0n, third = 0n] = offsets
    expect(await foundWith(offsets.slice(1))).toEqual([[String(first), 'missing']])
    expect(await foundWith([], third)).toEqual([
      [String(first), 'missing'],
      [String(second), 'missing'],
    ])
  })

  test('finds a second answer, and one to what is no command', async () => {
    const hole = offsets.findIndex((offset, at) => offset !== BigInt(at))
    const [second = 0n] = offsets.slice(1)
    expect(await foundWith([...offsets, second, BigInt(hole)])).toEqual(
      [
        [String(second), 'extra'],
        [String(hole), 'extra'],
      ].toSorted(([a], [b]) => Number(a) - Number(b)),
    )
  })

  test('of commands that were removed says only which was answered twice', async () => {
    const [first = 0n, second = 0n, third = 0n] = offsets
    log.removeBefore(commands, third)
    expect(await foundWith([second, second, ...offsets.slice(3)])).toEqual([
      [String(second), 'extra'],
      [String(third), 'missing'],
    ])
    expect(await foundWith([first, ...offsets.slice(2)])).toEqual([])
  })
})
