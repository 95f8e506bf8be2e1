/** The part of the log's contract that is about records that retention has removed. */
import { expect } from 'vitest'
import type { NewRecord } from '../../topology/log/log.ts'
import { codeOf, NO_LIMIT, place, readAll, record, texts } from './log-records.ts'
import type { Another, It } from './log.contract.ts'

export function removals(it: It, another: Another): void {
  const outcome = (text: string, partition = 0): NewRecord =>
    record(text, 'ledger.outcomes', partition)
  const at = place('ledger.outcomes')

  it('a topic starts at 0 until something is removed, and then where it ended', async (given) => {
    const { log } = given
    await log.producer().append([outcome('a'), outcome('b'), outcome('x', 1)])
    const ends = [await log.end(at), await log.end(place('ledger.outcomes', 1))]
    expect(await log.start(at)).toBe(0n)
    await given.remove('ledger.outcomes')
    const other = await another()
    expect(await other.start(at)).toBe(ends[0])
    expect(await other.start(place('ledger.outcomes', 1))).toBe(ends[1])
    expect(await other.end(at)).toBe(ends[0])
  })

  it('a read below the start is refused, not answered with what comes later', async (given) => {
    const { log } = given
    await log.producer().append([outcome('a'), outcome('b')])
    const { next } = await log.read(at, 0n, { records: 1, bytes: 1_000 })
    await given.remove('ledger.outcomes')
    await log.producer().append([outcome('c')])
    expect(await codeOf(log.read(at, 0n, NO_LIMIT))).toBe('SALDO_RECORDS_REMOVED')
    // Whoever reads on may still get what was on its way to him.
    const other = await another()
    expect(await codeOf(other.read(at, next, NO_LIMIT))).toBe('SALDO_RECORDS_REMOVED')
  })

  it('offsets go on after a removal, again and again, and what is kept is read from the start', async (given) => {
    const { log } = given
    const producer = log.producer()
    for (let turn = 0; turn < 6; turn++) {
      await producer.append([outcome('gone'), outcome('gone', 1)])
      const end = await log.end(at)
      await given.remove('ledger.outcomes')
      await producer.append([outcome(`kept ${turn}`), outcome('kept', 1)])
      const slice = await log.read(at, await log.start(at), NO_LIMIT)
      expect(texts(slice.records)).toEqual([`kept ${turn}`])
      expect(slice.records[0]?.offset).toBeGreaterThanOrEqual(end)
    }
  })

  it('a removal leaves other topics alone', async (given) => {
    const { log } = given
    await log.producer().append([outcome('a'), record('event')])
    await given.remove('ledger.outcomes')
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['event'])
    expect(await log.start(place('ledger.events'))).toBe(0n)
  })
}
