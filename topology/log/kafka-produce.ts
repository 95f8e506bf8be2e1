/** One produce request of our own to one leader, and what became of each partition in it. */
import { KafkaWriter, KafkaReader } from './kafka-bytes.ts'
import type { KafkaPlace, WireCall, WirePool } from './kafka-cluster.ts'
import { wireCall } from './kafka-fetch.ts'

/** A whole record batch for one partition. */
export type ProducePart = KafkaPlace & { readonly batch: Buffer }

export type Produced = KafkaPlace & {
  readonly errorCode: number
  /** Where the first record went. */
  readonly baseOffset: bigint
}

export type ProduceOptions = {
  /** Undefined outside of a transaction. */
  readonly transactionalId: string | undefined
  /** The partitions join the transaction by being written to. */
  readonly joins?: boolean
  /** For the other replicas. */
  readonly timeoutMs: number
}

/** Acknowledged by every replica in sync. A refused partition is an answer, not a failure. */
export async function produceTo(
  pool: WirePool,
  parts: readonly ProducePart[],
  options: ProduceOptions,
): Promise<readonly Produced[]> {
  return await pool.send(options.joins ? joiningCall(parts, options) : produceCall(parts, options))
}

function produceCall(
  parts: readonly ProducePart[],
  { transactionalId, timeoutMs }: ProduceOptions,
): WireCall<readonly Produced[]> {
  const body = new KafkaWriter()
  if (transactionalId === undefined) body.int16(-1)
  else body.string(transactionalId)
  const byTopic = Map.groupBy(parts, ({ topic }) => topic)
  body.int16(-1).int32(timeoutMs).int32(byTopic.size)
  for (const [topic, own] of byTopic) {
    body.string(topic).int32(own.length)
    for (const { partition, batch } of own) body.int32(partition).int32(batch.length).raw(batch)
  }
  return wireCall({ apiKey: 0, apiVersion: 7, apiName: 'Produce' }, body.bytes, decodeProduce)
}

function decodeProduce(bytes: Buffer): readonly Produced[] {
  const reader = new KafkaReader(bytes)
  const produced: Produced[] = []
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let parts = reader.int32(); parts > 0; parts--) {
      const partition = reader.int32()
      const errorCode = reader.int16()
      const baseOffset = reader.int64()
      // The time of the log, and where the log starts.
      reader.raw(16)
      produced.push({ topic, partition, errorCode, baseOffset })
    }
  }
  return produced
}

const NO_TAGS = Buffer.of(0)

function joiningCall(
  parts: readonly ProducePart[],
  { transactionalId = '', timeoutMs }: ProduceOptions,
): WireCall<readonly Produced[]> {
  const byTopic = Map.groupBy(parts, ({ topic }) => topic)
  const body = new KafkaWriter().raw(NO_TAGS).compactString(transactionalId)
  body.int16(-1).int32(timeoutMs).compactLength(byTopic.size)
  for (const [topic, own] of byTopic) {
    body.compactString(topic).compactLength(own.length)
    for (const { partition, batch } of own) {
      body.int32(partition).compactLength(batch.length).raw(batch).raw(NO_TAGS)
    }
    body.raw(NO_TAGS)
  }
  body.raw(NO_TAGS)
  return wireCall({ apiKey: 0, apiVersion: 12, apiName: 'Produce' }, body.bytes, decodeJoined)
}

function decodeJoined(bytes: Buffer): readonly Produced[] {
  const reader = new KafkaReader(bytes)
  reader.tags()
  const produced: Produced[] = []
  for (let topics = reader.compactLength(); topics > 0; topics--) {
    const topic = reader.compactString()
    for (let parts = reader.compactLength(); parts > 0; parts--) {
      const partition = reader.int32()
      const errorCode = reader.int16()
      const baseOffset = reader.int64()
      reader.raw(16)
      for (let errors = reader.compactLength(); errors > 0; errors--) {
        reader.int32()
        reader.compactString()
        reader.tags()
      }
      reader.compactString()
      reader.tags()
      produced.push({ topic, partition, errorCode, baseOffset })
    }
    reader.tags()
  }
  return produced
}
