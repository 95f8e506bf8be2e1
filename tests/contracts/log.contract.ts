/**
 * What every log promises (topology/log/log.ts), whatever it is made of. Nothing here counts offsets: they may jump. A
 * commit whose answer is lost and an owner that goes on after it was replaced belong to every adapter's life.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TopicName } from '../../schemas/topics.ts'
import type { Lease, Log, NewRecord } from '../../topology/log/log.ts'
import {
  KEY,
  LOG_PARTITIONS,
  NO_LIMIT,
  place,
  groupPlace,
  record,
  texts,
  codeOf,
  readAll,
} from './log-records.ts'
import { removals } from './log-removals.ts'

const never = new AbortController().signal

/** A log on records of its own, and what the contract needs to do to it. */
export type OpenedLog = {
  readonly log: Log
  /** Another instance over the same records, as another process has. */
  reopen(partitions?: number): Promise<Log>
  /** Loses the answer to the commit, after it took effect or before it could. */
  loseAnswer(lease: Lease, when: 'before' | 'after', commit: () => Promise<void>): Promise<void>
  /** Removes every record that the topic holds now, as retention does. */
  remove(topic: 'ledger.outcomes'): Promise<void>
  close(): Promise<void>
}

export function describeLogContract(name: string, open: () => Promise<OpenedLog>): void {
  describe(name, () => {
    let opened: OpenedLog
    const others: Log[] = []
    const another = async (): Promise<Log> => {
      const log = await opened.reopen()
      others.push(log)
      return log
    }

    beforeEach(async () => {
      opened = await open()
    })
    afterEach(async () => {
      await Promise.all(others.splice(0).map((log) => log.close()))
      await opened.close()
    })

    const it = (title: string, run: (given: { log: Log } & OpenedLog) => Promise<void>): void => {
      test(title, () => run(opened))
    }
    appends(it, another)
    reads(it)
    removals(it, another)
    arrivals(it, another)
    commits(it, another)
    positions(it, another)
    fences(it, another)
    doubts(it, another)
    openings(it, another)
  })
}

export type It = (title: string, run: (given: OpenedLog) => Promise<void>) => void
export type Another = () => Promise<Log>

function appends(it: It, another: Another): void {
  it('an append is durable: another instance reads it, with its key, value and log time', async ({
    log,
  }) => {
    const before = Date.now()
    await log.producer().append([record('one')])
    const [stored, ...rest] = await readAll(await another(), place('ledger.events'))
    expect(rest).toEqual([])
    expect(stored?.key).toEqual(KEY)
    expect(stored?.value.toString()).toBe('one')
    expect(Math.abs((stored?.appendedAt ?? 0) - before)).toBeLessThan(60_000)
  })

  it('records keep the order of their append within a partition, and partitions are apart', async ({
    log,
  }) => {
    const producer = log.producer()
    await producer.append([
      record('a', 'ledger.events', 0),
      record('x', 'ledger.events', 1),
      record('b', 'ledger.events', 0),
      record('o', 'ledger.outcomes', 0),
    ])
    await producer.append([record('c', 'ledger.events', 0), record('y', 'ledger.events', 1)])
    expect(texts(await readAll(log, place('ledger.events', 0)))).toEqual(['a', 'b', 'c'])
    expect(texts(await readAll(log, place('ledger.events', 1)))).toEqual(['x', 'y'])
    expect(texts(await readAll(log, place('ledger.outcomes', 0)))).toEqual(['o'])
  })

  it('an append of nothing is nothing', async ({ log }) => {
    await log.producer().append([])
    expect(await log.end(place('ledger.events'))).toBe(0n)
  })

  it('a record for a partition that does not exist is refused, with all that came with it', async ({
    log,
  }) => {
    const stray = record('b', 'ledger.events', LOG_PARTITIONS)
    await expect(log.producer().append([record('a'), stray])).rejects.toThrow()
    expect(await readAll(log, place('ledger.events'))).toEqual([])
  })

  it('1,000 records with empty values and values of 200 kB come back as they were', async ({
    log,
  }) => {
    const large = Buffer.alloc(200_000, 'saldo')
    const values = Array.from({ length: 1_000 }, (_, n) => {
      if (n % 100 === 50) return large
      return n % 3 === 0 ? Buffer.alloc(0) : Buffer.from(`${n}`)
    })
    const some = record('')
    await log.producer().append(values.map((value) => ({ ...some, value })))
    const stored = await readAll(log, place('ledger.events'))
    expect(stored).toHaveLength(values.length)
    expect(stored.every(({ value }, n) => value.equals(values[n] ?? KEY))).toBe(true)
  })

  it('appends that are not waited for come one after the other, also behind one that failed', async ({
    log,
  }) => {
    const producer = log.producer()
    const letters = ['a', 'b', 'c', 'd']
    const stray = { ...record('no'), partition: log.partitions }
    const appends = letters.map((letter) =>
      producer.append([letter === 'b' ? stray : record(letter)]),
    )
    const ended = await Promise.allSettled(appends)
    expect(ended.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, true])
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['a', 'c', 'd'])
  })

  it('producers that append at once lose nothing and keep their own order', async ({ log }) => {
    const other = await another()
    const write = async (producer: ReturnType<Log['producer']>, letter: string): Promise<void> => {
      for (let n = 0; n < 20; n++) await producer.append([record(`${letter}${n}`)])
    }
    await Promise.all([write(log.producer(), 'a'), write(other.producer(), 'b')])
    const all = texts(await readAll(log, place('ledger.events')))
    for (const letter of ['a', 'b']) {
      const own = all.filter((text) => text.startsWith(letter))
      expect(own).toEqual(Array.from({ length: 20 }, (_, n) => `${letter}${n}`))
    }
  })
}

function reads(it: It): void {
  it('a slice has at most so many records, and goes on where it ended', async ({ log }) => {
    await log.producer().append(Array.from('abcde', (letter) => record(letter)))
    const at = place('ledger.events')
    const slice = await log.read(at, 0n, { records: 2, bytes: 1_000 })
    expect(texts(slice.records)).toEqual(['a', 'b'])
    const rest = await log.read(at, slice.next, NO_LIMIT)
    expect(texts(rest.records)).toEqual(['c', 'd', 'e'])
    expect(texts(await readAll(log, at, { records: 1, bytes: 1_000 }))).toEqual(Array.from('abcde'))
  })

  it('a slice has at most so many bytes of values, and at least one record', async ({ log }) => {
    const large = 'x'.repeat(1_000)
    const values = ['', 'aa', 'bb', large, 'cc', 'dd']
    await log.producer().append(values.map((value) => record(value)))
    const at = place('ledger.events')
    const first = await log.read(at, 0n, { records: 100, bytes: 4 })
    expect(texts(first.records)).toEqual(['', 'aa', 'bb'])
    const second = await log.read(at, first.next, { records: 100, bytes: 4 })
    expect(texts(second.records)).toEqual([large])
    const third = await log.read(at, second.next, { records: 100, bytes: 3 })
    expect(texts(third.records)).toEqual(['cc'])
  })

  it('a reader goes on from `next` to the end, and there waits at one place', async ({ log }) => {
    const producer = log.producer()
    const at = place('ledger.events')
    expect(await log.read(at, 0n, NO_LIMIT)).toEqual({ records: [], next: 0n, end: 0n })
    for (const letter of 'abcdefgh') await producer.append([record(letter)])
    let position = 0n
    const read: string[] = []
    while (position < (await log.end(at))) {
      const slice = await log.read(at, position, { records: 3, bytes: 1_000 })
      expect(slice.end).toBe(await log.end(at))
      expect(slice.next).toBeGreaterThan(position)
      read.push(...texts(slice.records))
      position = slice.next
    }
    expect(read).toEqual(Array.from('abcdefgh'))
    expect(await log.read(at, position, NO_LIMIT)).toMatchObject({ records: [], next: position })
    await producer.append([record('i')])
    expect(texts((await log.read(at, position, NO_LIMIT)).records)).toEqual(['i'])
  })

  it('an offset behind the end reads nothing and stays where it is', async ({ log }) => {
    await log.producer().append([record('a')])
    const at = place('ledger.events')
    const end = await log.end(at)
    expect(await log.read(at, end + 5n, NO_LIMIT)).toEqual({ records: [], next: end + 5n, end })
  })

  it('an offset of the past reads the same records again', async ({ log }) => {
    await log.producer().append([record('a'), record('b')])
    const at = place('ledger.events')
    const [, second] = (await log.read(at, 0n, NO_LIMIT)).records
    const again = await log.read(at, second?.offset ?? -1n, NO_LIMIT)
    expect(texts(again.records)).toEqual(['b'])
    expect(again.records[0]?.offset).toBe(second?.offset)
  })
}

function arrivals(it: It, another: Another): void {
  const at = place('ledger.commands')

  it('whoever waits is woken by an append of another instance', async ({ log }) => {
    const other = await another()
    const arrived = log.arrival(at, await log.end(at), never)
    await other.producer().append([record('a', 'ledger.commands')])
    await arrived
    expect(await log.end(at)).toBeGreaterThan(0n)
  })

  it('whoever waits is woken by a commit', async ({ log }) => {
    const events = place('ledger.events')
    const arrived = (await another()).arrival(events, 0n, never)
    const lease = await log.acquire(groupPlace())
    await lease.commit([record('a')], 1n)
    await arrived
    await lease.release()
  })

  it('nobody waits for what is there already', async ({ log }) => {
    await log.producer().append([record('a', 'ledger.commands')])
    await log.arrival(at, 0n, never)
  })

  it('whoever waits is let go when it is to stop, before and while it waits', async ({ log }) => {
    const stop = new AbortController()
    const waiting = log.arrival(at, 0n, stop.signal)
    stop.abort()
    await waiting
    await log.arrival(at, 0n, stop.signal)
  })
}

function commits(it: It, another: Another): void {
  it('a group that never committed has no offset, and one that did has it back', async ({
    log,
  }) => {
    const first = await log.acquire(groupPlace())
    expect(first.committed).toBeUndefined()
    await first.commit([record('a')], 7n)
    await first.commit([], 9n)
    await first.release()

    const second = await (await another()).acquire(groupPlace())
    expect(second.committed).toBe(9n)
    expect(second.epoch).toBeGreaterThan(first.epoch)
    expect((await log.acquire(groupPlace(1))).committed).toBeUndefined()
    expect((await log.acquire(groupPlace(0, 'another-group'))).committed).toBeUndefined()
  })

  it('a commit writes to several topics at once, in order, and moves the offset', async ({
    log,
  }) => {
    const lease = await log.acquire(groupPlace())
    await lease.commit(
      [
        record('e1'),
        record('o1', 'ledger.outcomes'),
        record('e2'),
        record('d1', 'ledger.dead-letters'),
        record('o2', 'ledger.outcomes'),
      ],
      3n,
    )
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['e1', 'e2'])
    expect(texts(await readAll(log, place('ledger.outcomes')))).toEqual(['o1', 'o2'])
    expect(texts(await readAll(log, place('ledger.dead-letters')))).toEqual(['d1'])
  })

  it('what a commit wrote is there for everybody as soon as it resolves', async ({ log }) => {
    const other = await another()
    const lease = await log.acquire(groupPlace())
    let position = 0n
    for (let n = 1; n <= 10; n++) {
      await lease.commit([record(`${n}`), record(`${n}`, 'ledger.outcomes')], BigInt(n))
      const slice = await other.read(place('ledger.events'), position, NO_LIMIT)
      expect(texts(slice.records)).toEqual([`${n}`])
      position = slice.next
      expect(await readAll(other, place('ledger.outcomes'))).toHaveLength(n)
    }
  })

  it('a commit that fails writes to no topic and moves no offset', async ({ log }) => {
    const lease = await log.acquire(groupPlace())
    const stray = record('x', 'ledger.outcomes', LOG_PARTITIONS)
    await expect(lease.commit([record('e1'), stray], 3n)).rejects.toThrow()
    expect(await readAll(log, place('ledger.events'))).toEqual([])
    expect((await log.acquire(groupPlace())).committed).toBeUndefined()
  })

  it('owners of different partitions commit at once', async ({ log }) => {
    const other = await another()
    const leases = await Promise.all(
      [0, 1, 2, 3].map((n) => (n % 2 === 0 ? log : other).acquire(groupPlace(n))),
    )
    await Promise.all(
      leases.map(async (lease, partition) => {
        for (let n = 1; n <= 10; n++) {
          const written = (topic: TopicName): NewRecord => record(`${n}`, topic, partition)
          await lease.commit([written('ledger.outcomes'), written('ledger.events')], BigInt(n))
        }
      }),
    )
    const expected = Array.from({ length: 10 }, (_, n) => `${n + 1}`)
    for (const partition of leases.keys()) {
      expect(texts(await readAll(log, place('ledger.events', partition)))).toEqual(expected)
      expect(texts(await readAll(log, place('ledger.outcomes', partition)))).toEqual(expected)
      expect((await log.acquire(groupPlace(partition))).committed).toBe(10n)
    }
  })
}

function positions(it: It, another: Another): void {
  it('a group stands where its last commit left it, for everybody, and nowhere before the first', async ({
    log,
  }) => {
    const other = await another()
    expect(await other.position(groupPlace())).toBeUndefined()
    /** A broker says it a moment after the commit; what never comes ends with the test's time. */
    const standsAt = async (offset: bigint): Promise<void> => {
      while ((await other.position(groupPlace())) !== offset) await nextTurn()
    }
    const lease = await log.acquire(groupPlace())
    await lease.commit([record('a')], 3n)
    await standsAt(3n)
    await lease.commit([], 7n)
    await standsAt(7n)
    expect(await other.position(groupPlace(0, 'nobody'))).toBeUndefined()
  })
}

function fences(it: It, another: Another): void {
  it('a replaced owner commits nothing: no record, no offset, now and later', async ({ log }) => {
    const old = await log.acquire(groupPlace())
    await old.commit([record('of the old one')], 1n)
    const other = await another()
    const current = await other.acquire(groupPlace())
    expect(current.committed).toBe(1n)

    // Where the new owner ends the connection of the old one, the first answer may be lost with it.
    const refused = await codeOf(old.commit([record('of a zombie')], 2n))
    expect(['SALDO_LEASE_FENCED', 'SALDO_COMMIT_IN_DOUBT']).toContain(refused)
    await current.commit([record('of the new one')], 3n)
    expect(await codeOf(old.commit([record('of a zombie')], 4n))).toBe('SALDO_LEASE_FENCED')

    const written = await readAll(log, place('ledger.events'))
    expect(texts(written)).toEqual(['of the old one', 'of the new one'])
    expect((await other.acquire(groupPlace())).committed).toBe(3n)
  })

  it('an owner is confirmed until it is replaced, whether it committed or not', async ({ log }) => {
    const old = await log.acquire(groupPlace())
    await old.confirm()
    await old.commit([record('a')], 1n)
    await old.confirm()
    const other = await another()
    const current = await other.acquire(groupPlace())
    expect(await codeOf(old.confirm())).toBe('SALDO_LEASE_FENCED')
    expect(await codeOf(old.confirm())).toBe('SALDO_LEASE_FENCED')
    await current.confirm()
    expect((await other.acquire(groupPlace())).committed).toBe(1n)
  })

  it('an owner that was replaced is told to stop, once', async ({ log }) => {
    const old = await log.acquire(groupPlace())
    const lost = Promise.withResolvers<void>()
    let times = 0
    old.lost.addEventListener('abort', () => {
      times++
      lost.resolve()
    })
    expect(old.lost.aborted).toBe(false)
    await (await another()).acquire(groupPlace())
    await codeOf(old.commit([], 1n))
    await lost.promise
    await codeOf(old.commit([], 2n))
    expect(times).toBe(1)
  })

  it('owners of other partitions and groups are not fenced', async ({ log }) => {
    const first = await log.acquire(groupPlace(0))
    const second = await log.acquire(groupPlace(1))
    const third = await log.acquire(groupPlace(0, 'another-group'))
    for (const lease of [first, second, third]) await lease.commit([], 1n)
    expect([first, second, third].map(({ lost }) => lost.aborted)).toEqual([false, false, false])
  })

  it('of two who take over at once, the one with the newer epoch commits', async ({ log }) => {
    const other = await another()
    const both = await Promise.all([log.acquire(groupPlace()), other.acquire(groupPlace())])
    const [older, newer] = both.toSorted((a, b) => Number(a.epoch - b.epoch))
    expect(older?.epoch).not.toBe(newer?.epoch)
    await newer?.commit([record('newer')], 1n)
    expect(await codeOf(older?.commit([record('older')], 2n) ?? Promise.resolve())).not.toBe(
      'no error',
    )
    expect(texts(await readAll(log, place('ledger.events')))).toEqual(['newer'])
  })
}

function doubts(it: It, another: Another): void {
  it('a commit whose answer was lost is in doubt, and the next lease knows that it happened', async ({
    log,
    loseAnswer,
  }) => {
    const lease = await log.acquire(groupPlace())
    await lease.commit([record('a')], 1n)
    const commit = loseAnswer(lease, 'after', () => lease.commit([record('b')], 2n))
    expect(await codeOf(commit)).toBe('SALDO_COMMIT_IN_DOUBT')
    const other = await another()
    expect((await other.acquire(groupPlace())).committed).toBe(2n)
    expect(texts(await readAll(other, place('ledger.events')))).toEqual(['a', 'b'])
  })

  it('a commit that never arrived is in doubt, and the next lease knows that it did not happen', async ({
    log,
    loseAnswer,
  }) => {
    const lease = await log.acquire(groupPlace())
    await lease.commit([record('a')], 1n)
    const commit = loseAnswer(lease, 'before', () => lease.commit([record('b')], 2n))
    expect(await codeOf(commit)).toBe('SALDO_COMMIT_IN_DOUBT')
    const other = await another()
    const next = await other.acquire(groupPlace())
    expect(next.committed).toBe(1n)
    await next.commit([record('b again')], 2n)
    expect(texts(await readAll(other, place('ledger.events')))).toEqual(['a', 'b again'])
  })
}

function openings(it: It, another: Another): void {
  it('a log with another number of partitions is refused and stays as it is', async ({
    log,
    reopen,
  }) => {
    expect(await codeOf(reopen(LOG_PARTITIONS + 1))).toBe('SALDO_LOG_MISMATCH')
    expect(await codeOf(reopen(LOG_PARTITIONS - 1))).toBe('SALDO_LOG_MISMATCH')
    expect((await another()).partitions).toBe(LOG_PARTITIONS)
    expect(await codeOf(log.end(place('ledger.events', LOG_PARTITIONS)))).toBe('SALDO_LOG_MISMATCH')
  })

  it('its identity is the same for everybody who opens it', async ({ log }) => {
    expect(log.identity).not.toBe('')
    expect((await another()).identity).toBe(log.identity)
  })
}
