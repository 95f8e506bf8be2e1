import { expect, test } from 'vitest'
import { lastBefore } from '../../topology/last-before.ts'
import { memoryLog } from '../../topology/log/memory-log.ts'
import { place, readAll, record } from '../contracts/log-records.ts'

const events = place('ledger.events')

async function logOf(letters: string) {
  const log = memoryLog({ partitions: 1, seed: 7, now: () => 0 })
  const producer = log.producer()
  for (const letter of letters) await producer.append([record(letter)])
  return log
}

test('the last record before an offset is found behind the holes that follow it', async () => {
  const log = await logOf('abcdefghijklmnop')
  const all = await readAll(log, events)
  for (let offset = 0n; offset <= (await log.end(events)); offset++) {
    const expected = all.findLast((one) => one.offset < offset)
    expect((await lastBefore(log, events, offset))?.offset).toBe(expected?.offset)
  }
})

test('what retention has removed is not looked for', async () => {
  const log = await logOf('abcd')
  const [, second] = await readAll(log, events)
  const kept = second?.offset ?? 0n
  log.removeBefore(events, kept)
  expect(await lastBefore(log, events, kept)).toBeUndefined()
  expect((await lastBefore(log, events, kept + 1n))?.value.toString()).toBe('b')
})
