/**
 * Decodes what a fetch brings: record batches of one partition, without what was aborted.
 *
 * Invariant: a record of an aborted transaction is never returned, and no other one is left out. kafkajs's own filter
 * leaks some where several writers interleave.
 */
import { SaldoError } from '../../schemas/errors.ts'
import { KafkaReader } from './kafka-bytes.ts'
import { codecOf } from './kafka-codecs.ts'
import { crc32c } from './kafka-crc.ts'
import type { StoredRecord } from './log.ts'

/** A writer's aborted transaction, from its first offset on to its end marker. */
export type Aborted = { readonly producerId: bigint; readonly firstOffset: bigint }

const HEADER_BYTES = 61
const CRC_FROM = 21
const NOTHING = Buffer.alloc(0)

/** The batches that are there to their end, and the offset behind them; a fetch cuts the last one off by its size. */
export function wholeBatches(
  bytes: Buffer,
  from: bigint,
): { readonly bytes: Buffer; readonly next: bigint } {
  let next = from
  let at = 0
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    const last = bytes.readBigInt64BE(at) + BigInt(bytes.readInt32BE(at + 23))
    if (last >= next) next = last + 1n
    at = end
  }
  return { bytes: bytes.subarray(0, at), next }
}

/** Records from `from` on, and the offset to go on at: behind every whole batch, be it empty, aborted or a marker. */
export function decodeBatches(
  bytes: Buffer,
  aborted: readonly Aborted[],
  from: bigint,
): { readonly records: readonly StoredRecord[]; readonly next: bigint } {
  const records: StoredRecord[] = []
  const ranges = aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  const aborting = new Set<bigint>()
  let range = 0
  let next = from
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    // Cut off by the size of the fetch: the next one brings it whole.
    if (end > bytes.length) break
    const batch = headerOf(bytes.subarray(at, end))
    for (; (ranges[range]?.firstOffset ?? next) <= batch.last && range < ranges.length; range++) {
      aborting.add(ranges[range]?.producerId ?? -1n)
    }
    if (batch.isMarker) {
      if (isAbortMarker(batch)) aborting.delete(batch.producerId)
    } else if (batch.last >= from && !(batch.isTransactional && aborting.has(batch.producerId))) {
      take(batch, from, records)
    }
    if (batch.last >= next) next = batch.last + 1n
    at = end
  }
  return { records, next }
}

type Batch = ReturnType<typeof headerOf>

function headerOf(batch: Buffer) {
  const base = batch.readBigInt64BE(0)
  if (batch.readInt8(16) !== 2) throw unreadable(base, `format ${batch.readInt8(16)}`)
  if (crc32c(batch.subarray(CRC_FROM)) !== batch.readUInt32BE(17)) {
    throw unreadable(base, 'damaged bytes: the checksum differs')
  }
  const attributes = batch.readInt16BE(21)
  return {
    base,
    last: base + BigInt(batch.readInt32BE(23)),
    codec: attributes & 7,
    hasLogTime: (attributes & 8) !== 0,
    isTransactional: (attributes & 16) !== 0,
    isMarker: (attributes & 32) !== 0,
    firstTime: Number(batch.readBigInt64BE(27)),
    lastTime: Number(batch.readBigInt64BE(35)),
    producerId: batch.readBigInt64BE(43),
    count: batch.readInt32BE(57),
    body: batch.subarray(HEADER_BYTES),
  }
}

function take(batch: Batch, from: bigint, records: StoredRecord[]): void {
  const body = plainBody(batch)
  try {
    takeRecords(batch, new KafkaReader(body), from, records)
  } catch (cause) {
    throw unreadable(batch.base, 'records that end in the middle', cause)
  }
}

function takeRecords(
  batch: Batch,
  reader: KafkaReader,
  from: bigint,
  records: StoredRecord[],
): void {
  for (let left = batch.count; left > 0; left--) {
    const end = reader.varint() + reader.at
    reader.int8()
    const time = batch.firstTime + reader.varint()
    const offset = batch.base + BigInt(reader.varint())
    const key = reader.varBytes() ?? NOTHING
    const value = reader.varBytes() ?? NOTHING
    // Headers: metadata is in the envelope.
    reader.raw(end - reader.at)
    if (offset >= from) {
      // With log time the broker stamps the batch and leaves the records as they came.
      records.push({ offset, key, value, appendedAt: batch.hasLogTime ? batch.lastTime : time })
    }
  }
}

function plainBody({ base, codec, body }: Batch): Buffer {
  const unpack = codecOf(codec)
  if (unpack === undefined) {
    throw unreadable(base, `compression ${codec}, which Saldo does not read`)
  }
  try {
    return unpack(body)
  } catch (cause) {
    throw unreadable(base, 'what its compression cannot have made', cause)
  }
}

/** Key of a marker: version, then 0 for abort and 1 for commit. */
function isAbortMarker({ body }: Batch): boolean {
  const reader = new KafkaReader(body)
  reader.varint()
  reader.int8()
  reader.varint()
  reader.varint()
  return reader.varBytes()?.readInt16BE(2) === 0
}

function unreadable(offset: bigint, what: string, cause?: unknown): SaldoError {
  return new SaldoError('SALDO_RECORD_UNREADABLE', `the batch at offset ${offset} has ${what}`, {
    retryable: false,
    cause,
  })
}
