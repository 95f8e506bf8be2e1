import { setTimeout as pause } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { KafkaReader, KafkaWriter } from '../../topology/log/kafka-bytes.ts'
import { kafkaClient, openCluster, type WireCall } from '../../topology/log/kafka-cluster.ts'
import { wireCall } from '../../topology/log/kafka-fetch.ts'

/** Its leaders coordinate the groups, and commit their offsets. */
export const OFFSETS_TOPIC = '__consumer_offsets'
/** Its leaders coordinate the transactions. */
export const TRANSACTIONS_TOPIC = '__transaction_state'

const MOVE_TIMEOUT_MS = 30_000
const MOVE_PAUSE_MS = 50

type Partition = {
  readonly partitionId: number
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

/** Sees and moves the leaders of a running cluster, and sets its topics, as an operator does. */
export type KafkaLeaders = {
  partitions(topic: string): Promise<readonly Partition[]>
  /** Resolves when every partition of the topics is led by that broker. */
  move(topics: readonly string[], to: number): Promise<void>
  /** Resolves when every replica of the topics has all that its leader has. */
  replicated(topics: readonly string[]): Promise<void>
  /** Resolves when the controller has taken a setting of a topic. */
  set(topic: string, name: string, value: string): Promise<void>
  close(): Promise<void>
}

export async function kafkaLeaders(brokers: readonly string[]): Promise<KafkaLeaders> {
  const options = { brokers, clientId: 'test-operator' }
  const admin = kafkaClient(options).admin()
  const cluster = openCluster(options)
  await admin.connect()
  await cluster.connect()
  const partitions = async (topic: string): Promise<readonly Partition[]> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions ?? []
  }
  const elect = async (topic: string, numbers: readonly number[]): Promise<void> => {
    await cluster.refreshMetadata()
    const { connectionPool } = await cluster.findControllerBroker()
    await connectionPool.send(electPreferred(topic, numbers))
  }
  const lead = async (topic: string, to: number): Promise<boolean> => {
    const elsewhere = (await partitions(topic)).filter(({ leader }) => leader !== to)
    if (elsewhere.length === 0) return true
    const unasked = elsewhere.filter(({ replicas }) => replicas[0] !== to)
    if (unasked.length > 0) {
      const partitionAssignment = unasked.map(({ partitionId: partition, replicas }) => ({
        partition,
        replicas: [to, ...replicas.filter((id) => id !== to)],
      }))
      await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
    }
    const numbers = elsewhere.map(({ partitionId }) => partitionId)
    await elect(topic, numbers)
    return false
  }
  return {
    partitions,
    async move(topics, to) {
      await everyTopic(topics, (topic) => lead(topic, to))
    },
    async replicated(topics) {
      await everyTopic(topics, async (topic) =>
        (await partitions(topic)).every(({ replicas, isr }) => isr.length === replicas.length),
      )
    },
    async set(topic, name, value) {
      const configEntries = [{ name, value }]
      const type = kafkajs.ConfigResourceTypes.TOPIC
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type, name: topic, configEntries }],
      })
    },
    async close() {
      await admin.disconnect()
      await cluster.disconnect()
    },
  }
}

async function everyTopic(
  topics: readonly string[],
  isSo: (topic: string) => Promise<boolean>,
): Promise<void> {
  const until = Date.now() + MOVE_TIMEOUT_MS
  for (const topic of topics) {
    // A broker that is not up to date yet cannot lead, and one that is away cannot answer: ask again.
    while (!(await isSo(topic).catch(() => false))) {
      if (Date.now() > until) throw new Error(`${topic} does not come to where it should be`)
      await pause(MOVE_PAUSE_MS)
    }
  }
}

/** The first replica of each becomes the leader, where it is in sync. kafkajs does not know this request. */
function electPreferred(topic: string, partitions: readonly number[]): WireCall<number> {
  const body = new KafkaWriter().int8(0).int32(1).string(topic).int32(partitions.length)
  for (const partition of partitions) body.int32(partition)
  body.int32(5_000)
  const kind = { apiKey: 43, apiVersion: 1, apiName: 'ElectLeaders' }
  return wireCall(kind, body.bytes, (bytes) => {
    const reader = new KafkaReader(bytes)
    reader.int32()
    return reader.int16()
  })
}
