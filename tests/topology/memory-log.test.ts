import { describe, expect, test } from 'vitest'
import { memoryLog, type LogFault, type LogStep } from '../../topology/log/memory-log.ts'
import {
  codeOf,
  groupPlace,
  LOG_PARTITIONS,
  place,
  readAll,
  record,
  texts,
} from '../contracts/log-records.ts'
import { describeLogContract } from '../contracts/log.contract.ts'

const options = { partitions: LOG_PARTITIONS, seed: 1, now: () => Date.now() }

describeLogContract('the memory log', () => {
  let next: readonly [LogStep, LogFault] | undefined
  const log = memoryLog({
    ...options,
    fault(step) {
      if (next?.[0] !== step) return 'none'
      const [, fault] = next
      next = undefined
      return fault
    },
  })
  return Promise.resolve({
    log,
    reopen: async (partitions = LOG_PARTITIONS) => log.reopen({ partitions }),
    loseAnswer(_lease, when, commit) {
      next = [`${when}-commit`, 'in-doubt']
      return commit()
    },
    async remove(topic) {
      for (let partition = 0; partition < LOG_PARTITIONS; partition++) {
        const at = place(topic, partition)
        log.removeBefore(at, await log.end(at))
      }
    },
    close: () => log.close(),
  })
})

describe('the memory log does what other logs do seldom:', () => {
  test('offsets jump, and differently with every seed', async () => {
    const offsetsWith = async (seed: number): Promise<readonly bigint[]> => {
      const log = memoryLog({ ...options, seed })
      const producer = log.producer()
      for (const letter of 'abcdefghijklmnop') await producer.append([record(letter)])
      return (await readAll(log, place('ledger.events'))).map(({ offset }) => offset)
    }
    const offsets = await offsetsWith(7)
    expect(offsets.at(-1)).toBeGreaterThan(15n)
    expect(await offsetsWith(7)).toEqual(offsets)
    expect(await offsetsWith(8)).not.toEqual(offsets)
  })

  test('an aborted batch uses offsets up and is never seen', async () => {
    const log = memoryLog({
      ...options,
      fault: (step) => (step === 'before-commit' ? 'fail' : 'none'),
    })
    const lease = await log.acquire(groupPlace())
    expect(await codeOf(lease.commit([record('aborted')], 1n))).toBe('SALDO_LOG_UNAVAILABLE')
    const at = place('ledger.events')
    const end = await log.end(at)
    expect(end).toBeGreaterThan(0n)
    expect(await log.read(at, 0n, { records: 10, bytes: 10 })).toEqual({
      records: [],
      next: end,
      end,
    })
    await log.producer().append([record('committed')])
    expect(texts(await readAll(log, at))).toEqual(['committed'])
  })

  test('what is removed is gone, and what came later stays', async () => {
    const log = memoryLog(options)
    const at = place('ledger.commands')
    await log.producer().append([record('a', 'ledger.commands'), record('b', 'ledger.commands')])
    const { next } = await log.read(at, 0n, { records: 1, bytes: 1 })
    log.removeBefore(at, next)
    expect(texts(log.committed(at))).toEqual(['b'])
  })

  test('a process that crashed does nothing any more, and whoever waits in it is let go', async () => {
    const log = memoryLog(options)
    const process = log.reopen()
    const lease = await process.acquire(groupPlace())
    const waiting = process.arrival(place('ledger.commands'), 0n, new AbortController().signal)
    process.crash()
    await waiting
    expect(lease.lost.aborted).toBe(true)
    expect(await codeOf(lease.commit([record('late')], 1n))).toBe('SALDO_LOG_UNAVAILABLE')
    expect(await codeOf(process.acquire(groupPlace()))).toBe('SALDO_LOG_UNAVAILABLE')
    expect(log.committed(place('ledger.events'))).toEqual([])
    expect(log.groupOffset(groupPlace())).toBeUndefined()
  })

  test('a commit that is held up until another owner is there is fenced', async () => {
    const gate = Promise.withResolvers<LogFault>()
    const log = memoryLog(options)
    const slow = log.reopen({ fault: (step) => (step === 'before-commit' ? gate.promise : 'none') })
    slow.cutOff()
    const old = await slow.acquire(groupPlace())
    const refused = codeOf(old.commit([record('late')], 1n))
    await log.acquire(groupPlace())
    expect(old.lost.aborted).toBe(false)
    gate.resolve('none')
    expect(await refused).toBe('SALDO_LEASE_FENCED')
    expect(old.lost.aborted).toBe(true)
    expect(log.committed(place('ledger.events'))).toEqual([])
  })

  test('an append whose answer was lost is sent again and stored once', async () => {
    const log = memoryLog({ ...options, fault: () => 'in-doubt' })
    await log.producer().append([record('once')])
    expect(texts(log.committed(place('ledger.events')))).toEqual(['once'])
  })
})
