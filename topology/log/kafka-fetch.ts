/**
 * Reads partitions from their leaders without a consumer group: kafkajs's consumer hides where the committed records
 * end, leaks aborted ones, and moves a group's offset by itself when it finds it out of range.
 */
import type { Aborted } from './kafka-batches.ts'
import { KafkaReader, KafkaWriter } from './kafka-bytes.ts'
import type { KafkaPlace, WireCall, WirePool } from './kafka-cluster.ts'

export type FetchFrom = KafkaPlace & { readonly offset: bigint; readonly bytesMax: number }

export type Fetched = KafkaPlace & {
  readonly errorCode: number
  /** The last stable offset: whatever is before it is committed or aborted for ever. */
  readonly stable: bigint
  readonly aborted: readonly Aborted[]
  readonly batches: Buffer
}

/** Committed records of partitions that one broker leads. Answers when there is something, or after `waitMs`. */
export async function fetchFrom(
  broker: Pick<WirePool, 'send'>,
  from: readonly FetchFrom[],
  waitMs: number,
): Promise<readonly Fetched[]> {
  return await broker.send(fetchCall(from, waitMs))
}

const RESPONSE_BYTES_MAX = 16 * 1024 ** 2

function fetchCall(from: readonly FetchFrom[], waitMs: number): WireCall<readonly Fetched[]> {
  const body = new KafkaWriter()
    .int32(-1)
    .int32(waitMs)
    .int32(1)
    .int32(RESPONSE_BYTES_MAX)
    // Read committed, without a fetch session.
    .int8(1)
    .int32(0)
    .int32(-1)
    .int32(from.length)
  for (const { topic, partition, offset, bytesMax } of from) {
    body.string(topic).int32(1).int32(partition).int32(-1).int64(offset).int64(-1n).int32(bytesMax)
  }
  body.int32(0).string('')
  return wireCall({ apiKey: 1, apiVersion: 11, apiName: 'Fetch' }, body.bytes, decodeFetch)
}

function decodeFetch(bytes: Buffer): readonly Fetched[] {
  const reader = new KafkaReader(bytes)
  const fetched: Fetched[] = []
  // Throttle time, the error and the id of a session that was not asked for.
  reader.raw(10)
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let parts = reader.int32(); parts > 0; parts--) fetched.push(partOf(topic, reader))
  }
  return fetched
}

function partOf(topic: string, reader: KafkaReader): Fetched {
  const partition = reader.int32()
  const errorCode = reader.int16()
  // The high watermark: records up to there may still be aborted.
  reader.int64()
  const stable = reader.int64()
  reader.int64()
  const aborted: Aborted[] = []
  for (let left = reader.int32(); left > 0; left--) {
    aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() })
  }
  // The replica that it would rather be read from.
  reader.int32()
  const batches = reader.raw(Math.max(0, reader.int32()))
  return { topic, partition, errorCode, stable, aborted, batches }
}

/** A request of our own bytes on a connection of kafkajs. */
export function wireCall<Answer>(
  kind: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string },
  body: Buffer,
  decode: (bytes: Buffer) => Answer,
): WireCall<Answer> {
  return {
    request: { ...kind, encode: () => Promise.resolve({ buf: body, buffer: body }) },
    response: {
      decode: (bytes) => Promise.resolve(bytes).then(decode),
      parse: (answer) => Promise.resolve(answer),
    },
  }
}
