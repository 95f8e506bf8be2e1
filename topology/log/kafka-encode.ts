/**
 * Encodes a record batch (version 2, uncompressed) into one buffer: kafkajs makes one for every field of every record.
 */
import { crc32c } from './kafka-crc.ts'

export type BatchWriter = {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of the first record; the broker knows a repetition and a gap by it. */
  readonly sequence: number
  readonly isTransactional: boolean
  /** Milliseconds since 1970 UTC; the topics of Saldo have the time of the log instead. */
  readonly time: number
}

type KeyAndValue = { readonly key: Buffer; readonly value: Buffer }

/** Around a batch, before its first record. */
const HEADER_BYTES = 61
const CRC_FROM = 21
const MAGIC = 2
const TRANSACTIONAL = 16
/** Lengths, offset, time, attributes and the count of headers of one record, at their largest. */
const RECORD_OVERHEAD_BYTES = 32

export function encodeBatch(records: readonly KeyAndValue[], writer: BatchWriter): Buffer {
  let room = HEADER_BYTES
  for (const { key, value } of records) room += RECORD_OVERHEAD_BYTES + key.length + value.length
  const bytes = Buffer.allocUnsafe(room)
  let at = HEADER_BYTES
  let index = 0
  for (const record of records) at = writeRecord(bytes, at, index++, record)
  const batch = bytes.subarray(0, at)
  writeHeader(batch, records.length, writer)
  return batch
}

/** How many records an encoded batch has. */
export function countOf(batch: Buffer): number {
  return batch.readInt32BE(57)
}

function writeHeader(batch: Buffer, count: number, writer: BatchWriter): void {
  // The broker gives the offsets, and the epoch of the leader.
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(MAGIC, 16)
  batch.writeInt16BE(writer.isTransactional ? TRANSACTIONAL : 0, 21)
  batch.writeInt32BE(count - 1, 23)
  const time = BigInt(writer.time)
  batch.writeBigInt64BE(time, 27)
  batch.writeBigInt64BE(time, 35)
  batch.writeBigInt64BE(writer.producerId, 43)
  batch.writeInt16BE(writer.producerEpoch, 51)
  batch.writeInt32BE(writer.sequence, 53)
  batch.writeInt32BE(count, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), 17)
}

function writeRecord(bytes: Buffer, from: number, index: number, record: KeyAndValue): number {
  const { key, value } = record
  const length =
    3 + lengthBytes(index) + lengthBytes(key.length) + key.length + lengthBytes(value.length)
  let at = writeLength(bytes, from, length + value.length)
  // No attributes, and the time of the batch.
  bytes[at++] = 0
  bytes[at++] = 0
  at = writeLength(bytes, at, index)
  at = writeLength(bytes, at, key.length)
  at += key.copy(bytes, at)
  at = writeLength(bytes, at, value.length)
  at += value.copy(bytes, at)
  // No headers: metadata is in the envelope.
  bytes[at++] = 0
  return at
}

/** A length or an offset, as the numbers of a record are written: doubled, seven bits a byte. */
function writeLength(bytes: Buffer, from: number, length: number): number {
  let at = from
  let rest = length * 2
  for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128
  bytes[at++] = rest
  return at
}

function lengthBytes(length: number): number {
  if (length < 64) return 1
  if (length < 8_192) return 2
  if (length < 1_048_576) return 3
  return length < 134_217_728 ? 4 : 5
}
