import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBatches } from '../../topology/log/kafka-batches.ts'
import { encodeBatch, type BatchWriter } from '../../topology/log/kafka-encode.ts'
import { Sequences } from '../../topology/log/kafka-sequences.ts'
import { codeOf } from '../contracts/log-records.ts'

type Encoded = { readonly buffer: Buffer }
const require = createRequire(import.meta.url)
const kafkaJs = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(options: Record<string, unknown>): Promise<Encoded>
}
const recordOf = require('kafkajs/src/protocol/recordBatch/record/v0') as (
  options: Record<string, unknown>,
) => Encoded

const writer: BatchWriter = {
  producerId: 4_000_000_000n,
  producerEpoch: 7,
  sequence: 70_000,
  isTransactional: true,
  time: 1_700_000_000_000,
}

const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array))
const someRecords = fc.array(fc.record({ key: bytes(70), value: bytes(300) }), {
  minLength: 1,
  maxLength: 150,
})

describe('a batch that is encoded', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(someRecords, (records) => {
        const decoded = decodeBatches(encodeBatch(records, writer), [], 0n)
        expect(decoded.records).toEqual(
          records.map(({ key, value }, offset) => ({
            offset: BigInt(offset),
            key,
            value,
            appendedAt: writer.time,
          })),
        )
        expect(decoded.next).toBe(BigInt(records.length))
      }),
    )
  })

  test('has every length, also at the edges where a length takes one byte more', () => {
    const lengths = [0, 63, 64, 8_191, 8_192, 1_048_575, 1_048_576]
    const records = lengths.map((length) => ({
      key: Buffer.from('k'),
      value: Buffer.alloc(length),
    }))
    const decoded = decodeBatches(encodeBatch(records, writer), [], 0n)
    expect(decoded.records.map(({ value }) => value.length)).toEqual(lengths)
  })

  test('is byte by byte what kafkajs makes of it', async () => {
    const records = Array.from({ length: 200 }, (_, n) => ({
      key: Buffer.from(`user-${n}`),
      value: Buffer.alloc(n * 7, n),
    }))
    const { buffer } = await kafkaJs.RecordBatch({
      records: records.map((record, offsetDelta) => recordOf({ ...record, offsetDelta })),
      firstTimestamp: writer.time,
      maxTimestamp: writer.time,
      lastOffsetDelta: records.length - 1,
      producerId: writer.producerId.toString(),
      producerEpoch: writer.producerEpoch,
      firstSequence: writer.sequence,
      transactional: true,
    })
    const theirs = Buffer.from(buffer)
    // The epoch of the leader, which the broker writes and the checksum leaves out.
    theirs.writeInt32BE(-1, 12)
    expect(encodeBatch(records, writer).equals(theirs)).toBe(true)
  })

  test('is refused when any bit behind its length is another one', async () => {
    const whole = encodeBatch([{ key: Buffer.from('key'), value: Buffer.from('value') }], writer)
    // Its place in the log and the leader's epoch are the broker's to write, and not in the checksum.
    const checked = fc.integer({ min: 16 * 8, max: whole.length * 8 - 1 })
    const flipped = fc.asyncProperty(checked, async (bit) => {
      const damaged = Buffer.from(whole)
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const reading = (async () => decodeBatches(damaged, [], 0n))()
      expect(await codeOf(reading)).toBe('SALDO_RECORD_UNREADABLE')
    })
    await fc.assert(flipped, { numRuns: 500 })
  })
})

test('the numbers of a partition go on, each partition by itself, and begin again at the end', () => {
  const sequences = new Sequences()
  expect(sequences.take('a', 3)).toBe(0)
  expect(sequences.take('b', 1)).toBe(0)
  expect(sequences.take('a', 2 ** 31 - 4)).toBe(3)
  expect(sequences.take('a', 5)).toBe(2 ** 31 - 1)
  expect(sequences.take('a', 1)).toBe(4)
})
