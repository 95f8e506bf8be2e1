/** The topics of a log on a cluster: looked at, made where they are missing, refused where a promise would not hold. */
import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { createTopicsCall, describeSettingsCall } from './kafka-admin-calls.ts'
import type { WireCluster, WirePool } from './kafka-cluster.ts'
import { asLogError, BrokerRefusal, kafkaErrors, refusedKind } from './kafka-errors.ts'
import { identityOf, ofRecord } from './kafka-identity.ts'
import { describeTopics, type ClusterDescription } from './kafka-metadata.ts'
import type { KafkaNames } from './kafka-names.ts'
import {
  differencesOf,
  sayDifference,
  settingsOf,
  topicPlans,
  type Difference,
  type FoundTopic,
  type TopicChoices,
  type TopicPlan,
} from './kafka-topic-plans.ts'

const TRIES_MAX = 200
const RETRY_PAUSE_MS = 50

export type TopicsOptions = {
  readonly names: KafkaNames
  /** Without it the topics are taken as they are: nothing is created, and nobody looks at their settings. */
  readonly partitions?: number
  readonly choices?: TopicChoices
  /** Told of every difference that breaks no promise, with the name of the topic. */
  readonly onDifference?: (sentence: string) => void
}

/** The identity is of the cluster and of every topic of record: one that was deleted and created again is another log. */
export type PreparedTopics = { readonly identity: string; readonly partitions: number }

/**
 * Creates the topics that are missing and refuses those that break a promise. Without a number of partitions it creates
 * nothing, and refuses a cluster that no engine ever ran on.
 */
export async function prepareTopics(
  cluster: WireCluster,
  options: TopicsOptions,
): Promise<PreparedTopics> {
  const { names, partitions } = options
  if (partitions === undefined) return await existingTopics(cluster, names)
  const wanted = { ...options, partitions }
  const before = await withPatience(cluster, 'the topics were not looked at', () =>
    lookAtTopics(cluster, wanted),
  )
  refuseVital(before.differences.filter(({ kind }) => kind !== 'missing'))
  const missing = before.plans.filter(({ name }) => !before.cluster.topics.has(name))
  if (missing.length > 0) {
    await withPatience(cluster, 'topics were not created', async () => {
      await createTopics(await anyBroker(cluster), missing)
    })
  }
  return await whenLed(cluster, names.topics, async () => {
    const { cluster: found, differences } = await lookAtTopics(cluster, wanted)
    refuseVital(differences)
    for (const one of differences) options.onDifference?.(`${one.topic} ${sayDifference(one)}`)
    return { identity: knownIdentity(found, names), partitions }
  })
}

async function existingTopics(cluster: WireCluster, names: KafkaNames): Promise<PreparedTopics> {
  const found = await withPatience(cluster, 'the topics were not looked at', async () =>
    describeTopics(await anyBroker(cluster), names.topics),
  )
  refuseHidden(found)
  const partitions = existingPartitions(found, names)
  const identity = knownIdentity(found, names)
  return await whenLed(cluster, [...found.topics.keys()], () =>
    Promise.resolve({ identity, partitions }),
  )
}

function knownIdentity(found: ClusterDescription, names: KafkaNames): string {
  const identity = identityOf(found, names)
  if (identity === undefined) throw new Error('a topic of record has leaders and no id')
  return identity
}

/** Does it as soon as every partition has a leader that knows of it. */
async function whenLed<Result>(
  cluster: WireCluster,
  topics: readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  return await withPatience(cluster, 'topics have no leaders', async () => {
    await cluster.addMultipleTargetTopics(topics)
    await askLeaders(cluster, topics)
    return await work()
  })
}

/** Again for some seconds where another try may help: a broker that has just gone is still named by the others. */
export async function withPatience<Result>(
  cluster: WireCluster,
  problem: string,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (cause) {
      const error = asLogError(cause, problem)
      if (!(error instanceof SaldoError) || !error.retryable || tries === TRIES_MAX) throw error
      await pause(RETRY_PAUSE_MS)
      // It asks for all topics of the cluster where none is named yet, and those may be many.
      if (cluster.targetTopics.size > 0) await cluster.refreshMetadata().catch(() => undefined)
    }
  }
}

/** Any broker knows the topics, and passes changes on to the controller. */
export async function anyBroker(cluster: WireCluster): Promise<WirePool> {
  const broker = await cluster.brokerPool.findConnectedBroker()
  return broker.connectionPool
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

/** They may exist or not: who is not allowed to know is not told. */
function refuseHidden({ hidden }: ClusterDescription): void {
  if (hidden.length === 0) return
  throw new SaldoError(
    'SALDO_TOPICS_REFUSED',
    `the cluster does not let this login see ${hidden.toSorted().join(', ')}: docs/kafka-security.md lists the ACLs that it needs`,
  )
}

export type LookedAt = {
  readonly cluster: ClusterDescription
  readonly plans: readonly TopicPlan[]
  readonly differences: readonly Difference[]
}

/** What is there, beside what ought to be. */
export async function lookAtTopics(
  cluster: WireCluster,
  { names, partitions, choices = {} }: TopicsOptions & { readonly partitions: number },
): Promise<LookedAt> {
  const connectionPool = await anyBroker(cluster)
  const described = await describeTopics(connectionPool, names.topics)
  refuseHidden(described)
  const plans = topicPlans(names, { partitions, brokers: described.brokers }, choices)
  const settings = await settingsAt(connectionPool, plans, [...described.topics.keys()])
  const found = new Map<string, FoundTopic>(
    [...described.topics].map(([name, layout]) => [
      name,
      { ...layout, settings: settings.get(name) },
    ]),
  )
  return { cluster: described, plans, differences: differencesOf(plans, found) }
}

/** By topic; without those that this login may not look into. */
async function settingsAt(
  pool: WirePool,
  plans: readonly TopicPlan[],
  existing: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  if (existing.length === 0) return new Map()
  const wanted = new Set(plans.flatMap((plan) => settingsOf(plan, 1)).map(({ name }) => name))
  const answers = await pool.send(describeSettingsCall(existing, [...wanted]))
  for (const { code } of answers) {
    if (code !== 0 && refusedKind(code) === undefined) throw new BrokerRefusal(code)
  }
  return new Map(
    answers.flatMap(({ name, code, settings }) => (code === 0 ? [[name, settings]] : [])),
  )
}

/** What another process creates at the same time is as good. */
export async function createTopics(pool: WirePool, plans: readonly TopicPlan[]): Promise<void> {
  const answers = await pool.send(
    createTopicsCall(plans.map((plan) => ({ ...plan, settings: settingsOf(plan, plan.replicas) }))),
  )
  for (const { name, code, message } of answers) {
    if (code === 0 || code === kafkaErrors.TOPIC_ALREADY_EXISTS) continue
    const reason = message === '' ? `error ${code}` : message
    throw new SaldoError(
      'SALDO_TOPICS_REFUSED',
      `${name} is missing, and the cluster does not create it (${reason}): run \`saldo topics create\` with a login that may create topics, and with settings that the cluster can follow`,
    )
  }
}

function refuseVital(differences: readonly Difference[]): void {
  for (const difference of differences) {
    if (!difference.isVital) continue
    const sentence = `${difference.topic} ${sayDifference(difference)}`
    switch (difference.kind) {
      case 'hidden':
        break
      case 'missing':
        // It was created a moment ago, and this broker has not heard of it.
        throw new SaldoError('SALDO_LOG_UNAVAILABLE', sentence, { retryable: true })
      case 'layout':
        throw new SaldoError('SALDO_LOG_MISMATCH', `${sentence}: their number is fixed for life`)
      case 'setting':
        throw new SaldoError(
          'SALDO_TOPICS_REFUSED',
          `${sentence}, which breaks a promise: \`saldo topics check\` shows every difference, \`saldo topics create --alter\` mends them`,
        )
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
