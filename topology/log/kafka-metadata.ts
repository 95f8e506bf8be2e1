import { KafkaReader, KafkaWriter } from './kafka-bytes.ts'
import type { WireCall, WirePool } from './kafka-cluster.ts'
import { wireCall } from './kafka-fetch.ts'

export type ClusterDescription = {
  readonly clusterId: string
  /** Only topics that exist. */
  readonly topics: ReadonlyMap<string, TopicDescription>
}

export type TopicDescription = {
  /** Another one when a topic was deleted and created again under its name. */
  readonly id: string
  readonly partitions: number
}

/** Asked for by a message of our own: kafkajs's versions of it do not know the ids of topics. */
export async function describeTopics(
  pool: WirePool,
  names: readonly string[],
): Promise<ClusterDescription> {
  return await pool.send(metadataCall(names))
}

const NO_TAGS = Buffer.of(0)
const NO_ID = Buffer.alloc(16)

function metadataCall(names: readonly string[]): WireCall<ClusterDescription> {
  // The header that kafkajs writes is one version older, which lacks only the tags.
  const body = new KafkaWriter().raw(NO_TAGS).compactLength(names.length)
  for (const name of names) body.raw(NO_ID).compactString(name).raw(NO_TAGS)
  // No topic is created by asking for it, and nobody asks what is allowed.
  body.int8(0).int8(0).raw(NO_TAGS)
  const kind = { apiKey: 3, apiVersion: 12, apiName: 'Metadata' }
  return wireCall(kind, body.bytes, decodeMetadata)
}

function decodeMetadata(bytes: Buffer): ClusterDescription {
  const reader = new KafkaReader(bytes)
  reader.tags()
  reader.int32()
  for (let brokers = reader.compactLength(); brokers > 0; brokers--) {
    reader.int32()
    reader.compactString()
    reader.int32()
    reader.compactString()
    reader.tags()
  }
  const clusterId = reader.compactString()
  reader.int32()
  const topics = new Map<string, TopicDescription>()
  for (let left = reader.compactLength(); left > 0; left--) {
    const errorCode = reader.int16()
    const name = reader.compactString()
    const id = reader.raw(16).toString('hex')
    reader.int8()
    const partitions = decodePartitions(reader)
    reader.int32()
    reader.tags()
    if (errorCode === 0) topics.set(name, { id, partitions })
  }
  return { clusterId, topics }
}

/** How many there are; kafkajs knows the rest. */
function decodePartitions(reader: KafkaReader): number {
  const partitions = Math.max(0, reader.compactLength())
  for (let left = partitions; left > 0; left--) {
    // Error, partition, leader and its epoch.
    reader.raw(14)
    for (let lists = 3; lists > 0; lists--) reader.raw(4 * Math.max(0, reader.compactLength()))
    reader.tags()
  }
  return partitions
}
