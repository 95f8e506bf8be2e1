import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { decodeBatches } from '../../topology/log/kafka-batches.ts'
import { crc32c } from '../../topology/log/kafka-crc.ts'
import { codeOf, texts } from '../contracts/log-records.ts'

type Encoded = { readonly buffer: Buffer }
const require = createRequire(import.meta.url)
// kafkajs writes what is read here: two implementations of one format.
const kafkaJs = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(options: Record<string, unknown>): Promise<Encoded>
}
const recordOf = require('kafkajs/src/protocol/recordBatch/record/v0') as (
  options: Record<string, unknown>,
) => Encoded

const snappy = require('snappyjs') as { compress(plain: Buffer): Buffer }
const lz4 = require('lz4js') as { compress(plain: Buffer): Uint8Array }

const NOBODY = -1
const ATTRIBUTES_AT = 21

async function batch(
  firstOffset: number,
  values: readonly string[],
  options: Record<string, unknown> = {},
): Promise<Buffer> {
  const records = values.map((value, offsetDelta) =>
    recordOf({
      offsetDelta,
      timestampDelta: offsetDelta * 10,
      key: Buffer.alloc(4),
      value: Buffer.from(value),
      headers: { h: 'x' },
    }),
  )
  const { buffer } = await kafkaJs.RecordBatch({
    firstOffset,
    lastOffsetDelta: values.length - 1,
    firstTimestamp: 1_000,
    maxTimestamp: 5_000,
    records,
    ...options,
  })
  return Buffer.from(buffer)
}

const inTransaction = (producerId: number) => ({ transactional: true, producerId })

/** The same batch with other attributes, and a checksum that fits. */
function withAttributes(bytes: Buffer, attributes: number): Buffer {
  bytes.writeInt16BE(bytes.readInt16BE(ATTRIBUTES_AT) | attributes, ATTRIBUTES_AT)
  bytes.writeUInt32BE(crc32c(bytes.subarray(ATTRIBUTES_AT)), 17)
  return bytes
}

async function marker(offset: number, producerId: number, kind: 'abort' | 'commit') {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1])
  const { buffer } = await kafkaJs.RecordBatch({
    firstOffset: offset,
    records: [recordOf({ key, value: Buffer.alloc(6) })],
    ...inTransaction(producerId),
  })
  return withAttributes(Buffer.from(buffer), 32)
}

/** The same batch with its records packed. */
function packed(plain: Buffer, codec: number, pack: (records: Buffer) => Buffer): Buffer {
  const bytes = Buffer.concat([plain.subarray(0, 61), pack(plain.subarray(61))])
  bytes.writeInt32BE(bytes.length - 12, 8)
  return withAttributes(bytes, codec)
}

/** As Java's producers send it. */
function inBlocks(plain: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0, 0, 0, 0, 1, 0, 0, 0, 1])]
  for (let at = 0; at < plain.length; at += 32_768) {
    const block = snappy.compress(plain.subarray(at, at + 32_768))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

const codeWhen = (bytes: Buffer) => codeOf((async () => decodeBatches(bytes, [], 0n))())

const abortedBy = (producerId: number, firstOffset: number) => ({
  producerId: BigInt(producerId),
  firstOffset: BigInt(firstOffset),
})

describe('batches of records', () => {
  test('come back as they were written, with their offsets, keys and times', async () => {
    const { records, next } = decodeBatches(await batch(40, ['a', 'b']), [], 0n)
    expect(records).toEqual([
      { offset: 40n, key: Buffer.alloc(4), value: Buffer.from('a'), appendedAt: 1_000 },
      { offset: 41n, key: Buffer.alloc(4), value: Buffer.from('b'), appendedAt: 1_010 },
    ])
    expect(next).toBe(42n)
  })

  test('have the time of the log where the broker stamped it', async () => {
    const stamped = withAttributes(await batch(0, ['a', 'b']), 8)
    expect(decodeBatches(stamped, [], 0n).records.map(({ appendedAt }) => appendedAt)).toEqual([
      5_000, 5_000,
    ])
  })

  test('are read from the middle on', async () => {
    const bytes = Buffer.concat([await batch(0, ['a', 'b']), await batch(5, ['c'])])
    expect(texts(decodeBatches(bytes, [], 1n).records)).toEqual(['b', 'c'])
    expect(decodeBatches(bytes, [], 2n)).toMatchObject({ records: [{ offset: 5n }], next: 6n })
  })

  test('that are cut off wait for the next fetch', async () => {
    const whole = await batch(0, ['a'])
    const cut = (await batch(1, ['b'])).subarray(0, 70)
    const { records, next } = decodeBatches(Buffer.concat([whole, cut]), [], 0n)
    expect(texts(records)).toEqual(['a'])
    expect(next).toBe(1n)
  })

  test('that lost their records are passed', async () => {
    const empty = await batch(3, [], { lastOffsetDelta: 4 })
    expect(decodeBatches(empty, [], 3n)).toEqual({ records: [], next: 8n })
  })

  test.for([
    ['gzip', 1, gzipSync],
    ['snappy', 2, snappy.compress],
    ['snappy in blocks', 2, inBlocks],
    ['lz4', 3, (plain: Buffer) => Buffer.from(lz4.compress(plain))],
    ['zstd', 4, zstdCompressSync],
  ] as const)('are unpacked where a producer packed them with %s', async ([, codec, pack]) => {
    const values = Array.from({ length: 2_000 }, (_, n) => `${n} ${'saldo '.repeat(n % 50)}`)
    const bytes = packed(await batch(0, values), codec, pack)
    expect(texts(decodeBatches(bytes, [], 0n).records)).toEqual(values)
  })

  test('that would unpack to more than memory has are refused', async () => {
    const much = gzipSync(Buffer.alloc(1_000_000))
    const bytes = packed(await batch(0, ['a']), 1, () => Buffer.concat(Array(70).fill(much)))
    expect(await codeWhen(bytes)).toBe('SALDO_RECORD_UNREADABLE')
  })

  test('in a compression that nobody had heard of, packed wrongly or damaged, are refused', async () => {
    for (const codec of [1, 2, 3, 4, 5, 6, 7]) {
      expect(await codeWhen(withAttributes(await batch(0, ['a']), codec))).toBe(
        'SALDO_RECORD_UNREADABLE',
      )
    }
    const short = await batch(0, ['a', 'b'])
    short.writeInt32BE(3, 57)
    expect(await codeWhen(withAttributes(short, 0))).toBe('SALDO_RECORD_UNREADABLE')
    const damaged = await batch(0, ['a'])
    damaged.writeUInt8(damaged.readUInt8(70) ^ 1, 70)
    expect(await codeWhen(damaged)).toBe('SALDO_RECORD_UNREADABLE')
  })
})

describe('transactions', () => {
  test('that were aborted are left out, also where several writers interleave', async () => {
    const bytes = Buffer.concat([
      await batch(0, ['1 aborted'], inTransaction(1)),
      await batch(1, ['2 committed'], inTransaction(2)),
      await batch(2, ['plain'], { producerId: NOBODY }),
      await batch(3, ['3 aborted'], inTransaction(3)),
      await marker(4, 3, 'abort'),
      await batch(5, ['3 committed'], inTransaction(3)),
      await batch(6, ['1 aborted too'], inTransaction(1)),
      await marker(7, 1, 'abort'),
      await marker(8, 2, 'commit'),
      await batch(9, ['1 committed'], inTransaction(1)),
      await marker(10, 1, 'commit'),
      await marker(11, 3, 'commit'),
    ])
    // The broker lists them in the order of their ends.
    const { records, next } = decodeBatches(bytes, [abortedBy(3, 3), abortedBy(1, 0)], 0n)
    expect(texts(records)).toEqual(['2 committed', 'plain', '3 committed', '1 committed'])
    expect(next).toBe(12n)
  })

  test('that were aborted again and again by one writer are all left out', async () => {
    const bytes = Buffer.concat([
      await batch(0, ['A'], inTransaction(1)),
      await marker(1, 1, 'abort'),
      await batch(2, ['c'], inTransaction(1)),
      await marker(3, 1, 'commit'),
      await batch(4, ['B'], inTransaction(1)),
      await marker(5, 1, 'abort'),
      await batch(6, ['d'], inTransaction(1)),
      await marker(7, 1, 'commit'),
    ])
    const aborted = [abortedBy(1, 0), abortedBy(1, 4)]
    expect(texts(decodeBatches(bytes, aborted, 0n).records)).toEqual(['c', 'd'])
  })

  test('are judged by what began before the place that is read from', async () => {
    const bytes = Buffer.concat([
      await batch(4, ['aborted'], inTransaction(1)),
      await marker(5, 1, 'abort'),
      await batch(6, ['committed'], inTransaction(1)),
    ])
    expect(texts(decodeBatches(bytes, [abortedBy(1, 0)], 4n).records)).toEqual(['committed'])
  })
})

test('the checksum is CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})
