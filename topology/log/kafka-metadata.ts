import { KafkaReader, KafkaWriter } from './kafka-bytes.ts'
import type { WireCall, WirePool } from './kafka-cluster.ts'
import { kafkaErrors } from './kafka-errors.ts'
import { wireCall } from './kafka-fetch.ts'

export type ClusterDescription = {
  readonly clusterId: string
  /** Those that run. */
  readonly brokers: number
  /** Only topics that exist. */
  readonly topics: ReadonlyMap<string, TopicDescription>
  /** Topics that this login may not see, whether they exist or not. */
  readonly hidden: readonly string[]
}

export type TopicDescription = {
  /** Another one when a topic was deleted and created again under its name. */
  readonly id: string
  readonly partitions: number
  /** Of the partition that has fewest. */
  readonly replicas: number
  /** A bit for each operation of Kafka that is allowed to whoever asks. */
  readonly allowed: number
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
  // No topic is created by asking for it; what is allowed with it is asked for.
  body.int8(0).int8(1).raw(NO_TAGS)
  const kind = { apiKey: 3, apiVersion: 12, apiName: 'Metadata' }
  return wireCall(kind, body.bytes, decodeMetadata)
}

function decodeMetadata(bytes: Buffer): ClusterDescription {
  const reader = new KafkaReader(bytes)
  reader.tags()
  reader.int32()
  const brokers = Math.max(0, reader.compactLength())
  for (let left = brokers; left > 0; left--) {
    reader.int32()
    reader.compactString()
    reader.int32()
    reader.compactString()
    reader.tags()
  }
  const clusterId = reader.compactString()
  reader.int32()
  const topics = new Map<string, TopicDescription>()
  const hidden: string[] = []
  for (let left = reader.compactLength(); left > 0; left--) {
    const errorCode = reader.int16()
    const name = reader.compactString()
    const id = reader.raw(16).toString('hex')
    reader.int8()
    const layout = decodePartitions(reader)
    const allowed = reader.int32()
    reader.tags()
    if (errorCode === 0) topics.set(name, { id, ...layout, allowed })
    if (errorCode === kafkaErrors.TOPIC_AUTHORIZATION_FAILED) hidden.push(name)
  }
  return { clusterId, brokers, topics, hidden }
}

/** How many there are, and in how many places; kafkajs knows the rest. */
function decodePartitions(reader: KafkaReader): Omit<TopicDescription, 'id' | 'allowed'> {
  const partitions = Math.max(0, reader.compactLength())
  let replicas = Number.POSITIVE_INFINITY
  for (let left = partitions; left > 0; left--) {
    // Error, partition, leader and its epoch.
    reader.raw(14)
    const [copies] = Array.from({ length: 3 }, () => {
      // Replicas, those in sync, those that are offline.
      const length = Math.max(0, reader.compactLength())
      reader.raw(4 * length)
      return length
    })
    replicas = Math.min(replicas, copies ?? 0)
    reader.tags()
  }
  return { partitions, replicas }
}
