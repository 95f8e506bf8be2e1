import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { SaldoError } from '../../schemas/errors.ts'
import { topics, type TopicName } from '../../schemas/topics.ts'
import type { WireCluster } from './kafka-cluster.ts'
import { asLogError } from './kafka-errors.ts'
import { describeTopics, type ClusterDescription } from './kafka-metadata.ts'
import type { KafkaNames } from './kafka-names.ts'

/**
 * The topics that make it the same log. In this order, for ever: the identity is in every progress row. What follows
 * from them, and topics that later releases add, may come and go.
 */
const ofRecord = [
  'ledger.commands',
  'ledger.events',
  'ledger.outcomes',
  'ledger.parked',
  'ledger.dead-letters',
] as const satisfies readonly TopicName[]

const DAY_MS = 86_400_000
const TRIES_MAX = 200
const RETRY_PAUSE_MS = 50

/** The identity is of the cluster and of every topic of record: one that was deleted and created again is another log. */
export type PreparedTopics = { readonly identity: string; readonly partitions: number }

/**
 * Creates the topics that are missing and refuses those with another number of partitions. Without a number it creates
 * nothing, and refuses a cluster that no engine ever ran on.
 */
export async function prepareTopics(
  kafka: Kafka,
  cluster: WireCluster,
  options: { readonly names: KafkaNames; readonly partitions?: number },
): Promise<PreparedTopics> {
  const { names } = options
  const look = async (): Promise<ClusterDescription> => {
    const { connectionPool } = await cluster.findControllerBroker()
    const found = await describeTopics(connectionPool, names.topics)
    if (options.partitions !== undefined) refuseOthers(found, options.partitions)
    return found
  }
  const before = await look()
  const missing = Object.values(topics).filter(({ name }) => !before.topics.has(names.topic(name)))
  const partitions = options.partitions ?? existingPartitions(before, names)
  if (options.partitions !== undefined && missing.length > 0) {
    await createTopics(kafka, missing, { names, partitions })
  }
  const wanted = options.partitions === undefined ? [...before.topics.keys()] : names.topics
  for (let tries = 1; ; tries++) {
    try {
      await cluster.addMultipleTargetTopics(wanted)
      await askLeaders(cluster, wanted)
      return { identity: identityOf(await look(), ofRecord.map(names.topic)), partitions }
    } catch (cause) {
      const error = asLogError(cause, 'topics have no leaders')
      if (!(error instanceof SaldoError) || !error.retryable || tries === TRIES_MAX) throw error
      await pause(RETRY_PAUSE_MS)
      await cluster.refreshMetadata().catch(() => undefined)
    }
  }
}

/** The metadata names a leader a little before that broker knows of it. */
async function askLeaders(cluster: WireCluster, names: readonly string[]): Promise<void> {
  const all = names.flatMap((topic) =>
    cluster
      .findTopicPartitionMetadata(topic)
      .map(({ partitionId: partition, leader }) => ({ topic, partition, leader })),
  )
  for (const [nodeId, led] of Map.groupBy(all, ({ leader }) => leader)) {
    const broker = await cluster.findBroker({ nodeId })
    await broker.listOffsets({
      replicaId: -1,
      isolationLevel: 1,
      topics: [...Map.groupBy(led, ({ topic }) => topic)].map(([topic, own]) => ({
        topic,
        partitions: own.map(({ partition }) => ({ partition, timestamp: -1 })),
      })),
    })
  }
}

function existingPartitions({ topics: found }: ClusterDescription, names: KafkaNames): number {
  const counts = ofRecord.map((name) => found.get(names.topic(name))?.partitions)
  const [partitions] = counts
  if (partitions !== undefined && !counts.includes(undefined)) return partitions
  throw new SaldoError(
    'SALDO_LOG_MISMATCH',
    'these brokers hold no log of that name: start the engine on them once (saldo up), or correct brokers and prefix',
  )
}

function refuseOthers({ topics: found }: ClusterDescription, partitions: number): void {
  for (const [name, topic] of found) {
    if (topic.partitions === partitions) continue
    throw new SaldoError(
      'SALDO_LOG_MISMATCH',
      `${name} has ${topic.partitions} partitions, not ${partitions}: their number is fixed for life`,
    )
  }
}

async function createTopics(
  kafka: Kafka,
  missing: readonly (typeof topics)[keyof typeof topics][],
  { names, partitions }: { readonly names: KafkaNames; readonly partitions: number },
): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    // Another process may be doing the same: what it created is as good, and is looked at afterwards.
    await admin.createTopics({
      waitForLeaders: false,
      topics: missing.map(({ name, retention }) => ({
        topic: names.topic(name),
        numPartitions: partitions,
        configEntries: Object.entries({
          'cleanup.policy': 'delete',
          // Never by size or age unless the topic says so: a stopped partition must not lose commands.
          'retention.ms': String(retention === '7-days' ? 7 * DAY_MS : -1),
          'retention.bytes': '-1',
          // A producer's clock cannot move the time of a record.
          'message.timestamp.type': 'LogAppendTime',
          // Producers may compress with what Saldo does not read; the broker unpacks it.
          'compression.type': 'uncompressed',
        }).map(([key, value]) => ({ name: key, value })),
      })),
    })
  } finally {
    await admin.disconnect()
  }
}

/** Shaped as a UUID, which is how progress rows keep it. */
function identityOf(
  { clusterId, topics: found }: ClusterDescription,
  names: readonly string[],
): string {
  const parts = [clusterId]
  for (const name of names) {
    const topic = found.get(name)
    if (topic === undefined) throw new Error(`${name} has leaders and no id`)
    parts.push(`${name}=${topic.id}`)
  }
  const hex = createHash('sha256').update(parts.join('\n')).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
