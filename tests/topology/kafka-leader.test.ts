import { afterEach, describe, expect, test } from 'vitest'
import { KafkaReader } from '../../topology/log/kafka-bytes.ts'
import { crc32c } from '../../topology/log/kafka-crc.ts'
import type { WireConnection, WirePool } from '../../topology/log/kafka-cluster.ts'
import { encodeBatch } from '../../topology/log/kafka-encode.ts'
import type { Fetched } from '../../topology/log/kafka-fetch.ts'
import { LeaderReads } from '../../topology/log/kafka-leader.ts'
import { ReadAhead } from '../../topology/log/kafka-read-ahead.ts'
import { NO_LIMIT, texts } from '../contracts/log-records.ts'

const TOPIC = 'ledger.commands'
const LARGE = 1_200_000

type Request = {
  readonly waitMs: number
  /** Offset by partition. */
  readonly from: ReadonlyMap<number, bigint>
  answer(fetched: readonly Fetched[]): void
}

/** A leader whose requests the test sees one by one, and answers. */
class Leader {
  readonly requests: Request[] = []
  #come = Promise.withResolvers<void>()
  readonly #connection: WireConnection = {
    send: async <Answer>(call: Parameters<WireConnection['send']>[0]): Promise<Answer> => {
      const answered = Promise.withResolvers<readonly Fetched[]>()
      this.requests.push({
        ...requestOf((await call.request.encode()).buffer),
        answer: answered.resolve,
      })
      this.#come.resolve()
      return (await answered.promise) as Answer
    },
    rejectRequests: () => undefined,
  }
  readonly pool: WirePool = {
    host: 'leader',
    port: 1,
    pool: [this.#connection],
    send: this.#connection.send,
    getConnection: () => Promise.resolve(this.#connection),
  }

  async next(): Promise<Request> {
    while (this.requests.length === 0) {
      this.#come = Promise.withResolvers<void>()
      await this.#come.promise
    }
    return this.requests.shift() as Request
  }
}

function requestOf(body: Buffer): Pick<Request, 'waitMs' | 'from'> {
  const reader = new KafkaReader(body)
  reader.int32()
  const waitMs = reader.int32()
  // Least and most bytes, isolation, session.
  reader.raw(17)
  const from = new Map<number, bigint>()
  for (let left = reader.int32(); left > 0; left--) {
    expect(reader.string()).toBe(TOPIC)
    expect(reader.int32()).toBe(1)
    const partition = reader.int32()
    expect(from.has(partition)).toBe(false)
    reader.int32()
    from.set(partition, reader.int64())
    reader.raw(12)
  }
  return { waitMs, from }
}

function fetched(partition: number, offset: bigint, values: readonly string[]): Fetched {
  const records = values.map((value) => ({ key: Buffer.alloc(4), value: Buffer.from(value) }))
  const batches = encodeBatch(records, {
    producerId: -1n,
    producerEpoch: -1,
    sequence: -1,
    isTransactional: false,
    time: 0,
  })
  batches.writeBigInt64BE(offset, 0)
  const stable = offset + BigInt(values.length)
  return { topic: TOPIC, partition, errorCode: 0, stable, aborted: [], batches }
}

function withChecksum(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

const nothing = (partition: number, stable: bigint): Fetched => ({
  topic: TOPIC,
  partition,
  errorCode: 0,
  stable,
  aborted: [],
  batches: Buffer.alloc(0),
})

const readerOf = (partition: number, offset = 0n): ReadAhead => {
  const reader = new ReadAhead({ topic: TOPIC, partition }, offset)
  reader.touchedAt = performance.now()
  return reader
}

describe('the reads of a leader', () => {
  const opened: LeaderReads[] = []
  afterEach(() => {
    for (const reads of opened.splice(0)) reads.close()
  })
  function setUp(): { readonly leader: Leader; readonly reads: LeaderReads } {
    const leader = new Leader()
    const reads = new LeaderReads(leader.pool)
    opened.push(reads)
    return { leader, reads }
  }

  test('wait in one request for everybody, and go on where each of them is', async () => {
    const { leader, reads } = setUp()
    const readers = [0, 1, 2].map((partition) => readerOf(partition, 5n))
    for (const reader of readers) reads.follow(reader)
    const first = await leader.next()
    expect(first.waitMs).toBeGreaterThan(0)
    expect([...first.from]).toEqual([
      [0, 5n],
      [1, 5n],
      [2, 5n],
    ])
    const arrived = readers[1]?.arrived
    first.answer([nothing(0, 5n), fetched(1, 5n, ['a', 'b']), nothing(2, 5n)])
    await arrived
    expect(texts(readers[1]?.take(NO_LIMIT) ?? [])).toEqual(['a', 'b'])
    const second = await leader.next()
    expect(Object.fromEntries(second.from)).toEqual({ 0: 5n, 1: 7n, 2: 5n })
    // Nobody asks beside it.
    expect(leader.requests).toEqual([])
  })

  test('ask for whoever comes while the request waits, until the next one has him', async () => {
    const { leader, reads } = setUp()
    reads.follow(readerOf(0))
    const waiting = await leader.next()
    const late = readerOf(1)
    reads.follow(late)
    const beside = await leader.next()
    expect([beside.waitMs, [...beside.from]]).toEqual([0, [[1, 0n]]])
    beside.answer([nothing(1, 0n)])
    const again = await leader.next()
    const { arrived } = late
    again.answer([fetched(1, 0n, ['a'])])
    await arrived
    expect(texts(late.take(NO_LIMIT))).toEqual(['a'])
    waiting.answer([nothing(0, 0n)])
    for (let request = await leader.next(); ; request = await leader.next()) {
      if (request.waitMs > 0) {
        expect(Object.fromEntries(request.from)).toEqual({ 0: 0n, 1: 1n })
        break
      }
      request.answer([nothing(1, 1n)])
    }
  })

  test('leave out a partition whose queue is full, until its reader has taken of it', async () => {
    const { leader, reads } = setUp()
    const [busy, other] = [readerOf(0), readerOf(1)]
    reads.follow(busy)
    reads.follow(other)
    const first = await leader.next()
    first.answer([fetched(0, 0n, ['x'.repeat(LARGE)]), fetched(1, 0n, ['a'])])
    const second = await leader.next()
    expect([...second.from]).toEqual([[1, 1n]])
    expect(busy.take(NO_LIMIT)).toHaveLength(1)
    second.answer([nothing(1, 1n)])
    expect(Object.fromEntries((await leader.next()).from)).toEqual({ 0: 1n, 1: 1n })
  })

  test('put together those who ask while another is asked for, a partition once', async () => {
    const { leader, reads } = setUp()
    const readers = [readerOf(0), readerOf(1), readerOf(2), readerOf(2, 7n)]
    const asked = [reads.ask(readers[0] as ReadAhead, 100)]
    const first = await leader.next()
    for (const reader of readers.slice(1)) asked.push(reads.ask(reader, 100))
    first.answer([fetched(0, 0n, ['a'])])
    const second = await leader.next()
    expect([...second.from]).toEqual([
      [1, 0n],
      [2, 0n],
    ])
    second.answer([{ ...nothing(1, 0n), errorCode: 6 }, fetched(2, 0n, ['b'])])
    const third = await leader.next()
    expect([third.waitMs, [...third.from]]).toEqual([0, [[2, 7n]]])
    third.answer([nothing(2, 7n)])
    const ends = await Promise.allSettled(asked)
    expect(ends.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(readers.map((reader) => texts(reader.take(NO_LIMIT)))).toEqual([['a'], [], ['b'], []])
  })

  test('give up on a partition that the broker refuses, and on nobody else', async () => {
    const { leader, reads } = setUp()
    const [moved, other] = [readerOf(0), readerOf(1)]
    reads.follow(moved)
    reads.follow(other)
    const first = await leader.next()
    first.answer([{ ...nothing(0, 0n), errorCode: 6 }, nothing(1, 0n)])
    expect([...(await leader.next()).from]).toEqual([[1, 0n]])
    expect([reads.isFollowing(moved), reads.isFollowing(other)]).toEqual([false, true])
  })
})

describe('what is queued in front of a reader', () => {
  test('is read by limits, nothing twice, and goes on where it was cut', () => {
    const reader = readerOf(0, 3n)
    reader.put(3n, fetched(0, 3n, ['aa', 'bb', 'cc', 'dd']))
    reader.put(7n, fetched(0, 7n, ['ee']))
    const limit = { records: 3, bytes: 4 }
    expect(texts(reader.take(limit))).toEqual(['aa', 'bb'])
    expect([reader.at, reader.position]).toEqual([5n, 8n])
    expect(texts(reader.take(limit))).toEqual(['cc', 'dd'])
    expect(texts(reader.take(limit))).toEqual(['ee'])
    expect([reader.at, reader.isEmpty, reader.take(limit)]).toEqual([8n, true, []])
  })

  test('is taken once, when two requests bring the same', () => {
    const reader = readerOf(0)
    const answer = fetched(0, 0n, ['a', 'b'])
    reader.put(0n, answer)
    reader.put(0n, answer)
    expect(texts([...reader.take(NO_LIMIT), ...reader.take(NO_LIMIT)])).toEqual(['a', 'b'])
  })

  test('is one chunk that holds no record: the reader goes on behind it', () => {
    const reader = readerOf(0)
    const { batches } = fetched(0, 0n, ['aborted'])
    batches.writeInt16BE(16 | 32, 21)
    reader.put(0n, { ...nothing(0, 1n), batches: withChecksum(batches) })
    reader.put(1n, fetched(0, 1n, ['a']))
    expect(texts(reader.take(NO_LIMIT))).toEqual(['a'])
    expect(reader.at).toBe(2n)
  })

  test('is let go when its reader is gone, which loses nothing', () => {
    const reader = readerOf(0)
    reader.put(0n, fetched(0, 0n, ['a', 'b']))
    reader.take({ records: 1, bytes: 1 })
    reader.forget()
    expect([reader.isEmpty, reader.position]).toEqual([true, 1n])
    reader.put(1n, fetched(0, 1n, ['b']))
    expect(texts(reader.take(NO_LIMIT))).toEqual(['b'])
  })
})
