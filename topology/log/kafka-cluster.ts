/**
 * What Saldo uses of kafkajs beneath its public face: connections, metadata and single requests. Its consumer and its
 * transactions stay unused; `kafka-fetch.ts` and `kafka-transaction.ts` say why.
 */
import { Kafka, logLevel } from 'kafkajs'
import type { Place } from './log.ts'
import { connectionOptions } from './kafka-connections.ts'
import './kafka-hardening.ts'
import './kafka-sessions.ts'
import type { KafkaSecurity } from './kafka-security.ts'

export type KafkaOptions = {
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Without it plain text, and nobody logs in. */
  readonly security?: KafkaSecurity | undefined
  /** A request that is not answered by then has failed. */
  readonly requestTimeoutMs?: number
}

/** A request and how to read its answer, as kafkajs sends them. */
export type WireCall<Answer> = {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>
  }
  readonly response: {
    decode(bytes: Buffer): Promise<Answer>
    parse(answer: Answer): Promise<Answer>
  }
}

export type WireConnection = {
  send<Answer>(call: WireCall<Answer>): Promise<Answer>
  rejectRequests(error: Error): void
}

/** Two connections to one broker: fetches go to the second one, everything else to the first. */
export type WirePool = {
  readonly host: string
  readonly port: number
  readonly pool: readonly WireConnection[]
  send<Answer>(call: WireCall<Answer>): Promise<Answer>
  getConnection(index: 0 | 1): Promise<WireConnection>
}

type TopicOffsets = readonly {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
}[]
type ProducerIdentity = { readonly producerId: string | number; readonly producerEpoch: number }
type Transactional = ProducerIdentity & { readonly transactionalId: string }

export type WireBroker = {
  readonly connectionPool: WirePool
  listOffsets(request: {
    readonly replicaId: -1
    readonly isolationLevel: 1
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[]
    }[]
  }): Promise<{ readonly responses: TopicOffsets }>
  offsetFetch(request: {
    readonly groupId: string
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number }[]
    }[]
  }): Promise<{ readonly responses: TopicOffsets }>
  initProducerId(request: {
    readonly transactionalId?: string
    readonly transactionTimeout: number
  }): Promise<ProducerIdentity>
  addPartitionsToTxn(
    request: Transactional & {
      readonly topics: readonly {
        readonly topic: string
        readonly partitions: readonly number[]
      }[]
    },
  ): Promise<unknown>
  addOffsetsToTxn(request: Transactional & { readonly groupId: string }): Promise<unknown>
  txnOffsetCommit(
    request: Transactional & { readonly groupId: string; readonly topics: TopicOffsets },
  ): Promise<unknown>
  endTxn(request: Transactional & { readonly transactionResult: boolean }): Promise<unknown>
}

export type WireCluster = {
  readonly brokerPool: { readonly metadata: unknown; findConnectedBroker(): Promise<WireBroker> }
  /** Those that metadata are asked for. */
  readonly targetTopics: ReadonlySet<string>
  connect(): Promise<void>
  disconnect(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  findTopicPartitionMetadata(
    topic: string,
  ): readonly { readonly partitionId: number; readonly leader: number }[]
  findBroker(options: { readonly nodeId: number }): Promise<WireBroker>
  findControllerBroker(): Promise<WireBroker>
  findGroupCoordinator(options: {
    readonly groupId: string
    /** 0 for a group's offsets, 1 for a transactional id. */
    readonly coordinatorType: 0 | 1
  }): Promise<WireBroker>
}

/** Answers come in well under a second; a connection that went away in silence is noticed by this. */
const REQUEST_TIMEOUT_MS = 10_000

export function kafkaClient({
  brokers,
  clientId,
  security = {},
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
}: KafkaOptions): Kafka {
  return new Kafka({
    ...connectionOptions(security),
    brokers: [...brokers],
    clientId,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5_000,
    requestTimeout: requestTimeoutMs,
    // The default of 300 ms would make every small wait for the broker a long one.
    retry: { initialRetryTime: 5, maxRetryTime: 500, retries: 20 },
  })
}

/** A cluster of its own: connections, metadata and their retries are shared with nobody. */
export function openCluster(options: KafkaOptions): WireCluster {
  const kafka = kafkaClient(options)
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  if (symbol === undefined) throw new Error('kafkajs has no cluster where 2.2.4 has it')
  const members = kafka as unknown as {
    readonly [member: symbol]: (options: {
      readonly metadataMaxAge: number
      readonly allowAutoTopicCreation: boolean
    }) => WireCluster
  }
  const create = members[symbol]
  if (create === undefined) throw new Error('kafkajs has no cluster where 2.2.4 has it')
  return create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false })
}

/** The broker that leads a partition, as far as the metadata knows. */
export async function leaderOf(
  cluster: WireCluster,
  topic: string,
  partition: number,
): Promise<WireBroker> {
  const known = cluster.findTopicPartitionMetadata(topic)
  const leader = known.find(({ partitionId }) => partitionId === partition)?.leader
  return cluster.findBroker({ nodeId: leader ?? -1 })
}

/** What goes to each leader. */
export async function byLeader<Part extends KafkaPlace>(
  cluster: WireCluster,
  parts: readonly Part[],
): Promise<ReadonlyMap<WirePool, readonly Part[]>> {
  const led = new Map<WirePool, Part[]>()
  for (const part of parts) {
    const { connectionPool } = await leaderOf(cluster, part.topic, part.partition)
    const own = led.get(connectionPool)
    if (own === undefined) led.set(connectionPool, [part])
    else own.push(part)
  }
  return led
}

export type KafkaPlace = Pick<Place, 'partition'> & { readonly topic: string }
