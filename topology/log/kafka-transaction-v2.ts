/**
 * Requests of the second version of Kafka's transactions (brokers from 4.0 on): records and offsets join a transaction
 * by being written, without being announced first, and every transaction has an epoch of its own, so that nothing of an
 * earlier one can slip into it. A commit takes two requests less.
 */
import { KafkaReader, KafkaWriter } from './kafka-bytes.ts'
import type { KafkaPlace, WirePool } from './kafka-cluster.ts'
import { BrokerRefusal } from './kafka-errors.ts'
import { wireCall } from './kafka-fetch.ts'

export type Epoch = { readonly producerId: bigint; readonly producerEpoch: number }
type Transaction = Epoch & { readonly transactionalId: string }

const FEATURE = 'transaction.version'
const NO_TAGS = Buffer.of(0)
const FINALIZED = 2

/** Whether the cluster speaks it: every broker can, and an administrator has not forbidden it. */
export async function speaksTransactionsV2(pool: WirePool): Promise<boolean> {
  const body = new KafkaWriter().raw(NO_TAGS).compactString('saldo').compactString('1').raw(NO_TAGS)
  const kind = { apiKey: 18, apiVersion: 3, apiName: 'ApiVersions' }
  return await pool.send(wireCall(kind, body.bytes, decodeVersions))
}

function decodeVersions(bytes: Buffer): boolean {
  const reader = new KafkaReader(bytes)
  // A broker that does not know this question answers it in an older form, with an error.
  if (reader.int16() !== 0) return false
  for (let kinds = reader.compactLength(); kinds > 0; kinds--) {
    reader.raw(6)
    reader.tags()
  }
  reader.int32()
  for (let left = reader.compactLength() + 1; left > 0; left--) {
    const tag = reader.compactLength() + 1
    const field = reader.raw(reader.compactLength() + 1)
    if (tag === FINALIZED) return levelOf(new KafkaReader(field)) >= 2
  }
  return false
}

function levelOf(reader: KafkaReader): number {
  for (let features = reader.compactLength(); features > 0; features--) {
    const name = reader.compactString()
    const level = reader.int16()
    reader.int16()
    reader.tags()
    if (name === FEATURE) return level
  }
  return 0
}

/** Moves the group's offset when the transaction commits. */
export async function moveOffset(
  pool: WirePool,
  { transactionalId, producerId, producerEpoch }: Transaction,
  { groupId, topic, partition, offset }: KafkaPlace & { groupId: string; offset: bigint },
): Promise<void> {
  const body = new KafkaWriter()
    .raw(NO_TAGS)
    .compactString(transactionalId)
    .compactString(groupId)
    .int64(producerId)
    .int16(producerEpoch)
    // No member of a group: nobody is given partitions by it.
    .int32(-1)
    .compactString('')
    .compactLength(-1)
    .compactLength(1)
    .compactString(topic)
    .compactLength(1)
    .int32(partition)
    .int64(offset)
    .int32(-1)
    .compactLength(-1)
    .raw(Buffer.alloc(3))
  const kind = { apiKey: 28, apiVersion: 5, apiName: 'TxnOffsetCommit' }
  const code = await pool.send(wireCall(kind, body.bytes, decodeMoved))
  if (code !== 0) throw new BrokerRefusal(code)
}

function decodeMoved(bytes: Buffer): number {
  const reader = new KafkaReader(bytes)
  reader.tags()
  // Throttle time; then the one topic and its one partition.
  reader.int32()
  reader.compactLength()
  reader.compactString()
  reader.compactLength()
  reader.int32()
  return reader.int16()
}

/** Commits. Answers who the writer is in its next transaction. */
export async function commitTransaction(
  pool: WirePool,
  { transactionalId, producerId, producerEpoch }: Transaction,
): Promise<Epoch> {
  const body = new KafkaWriter()
    .raw(NO_TAGS)
    .compactString(transactionalId)
    .int64(producerId)
    .int16(producerEpoch)
    .int8(1)
    .raw(NO_TAGS)
  const kind = { apiKey: 26, apiVersion: 5, apiName: 'EndTxn' }
  return await pool.send(wireCall(kind, body.bytes, decodeCommitted))
}

function decodeCommitted(bytes: Buffer): Epoch {
  const reader = new KafkaReader(bytes)
  reader.tags()
  reader.int32()
  const code = reader.int16()
  if (code !== 0) throw new BrokerRefusal(code)
  return { producerId: reader.int64(), producerEpoch: reader.int16() }
}
