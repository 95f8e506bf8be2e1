/**
 * The log on Apache Kafka: transactions for commits, a transactional id per partition as the fence, and reads that end
 * at the last stable offset. A skeleton: docs/kafka.md says what it does not do yet.
 */
import { SaldoError } from '../../schemas/errors.ts'
import { kafkaClient, openCluster } from './kafka-cluster.ts'
import { asLogError } from './kafka-errors.ts'
import { greet } from './kafka-greeting.ts'
import { acquireLease, type KafkaLease } from './kafka-lease.ts'
import { kafkaNames } from './kafka-names.ts'
import { appendsInTurn } from './appends-in-turn.ts'
import { kafkaProducer } from './kafka-producer.ts'
import { KafkaPlaces } from './kafka-places.ts'
import { groupPosition } from './kafka-position.ts'
import { checkFiles, type KafkaSecurity } from './kafka-security.ts'
import { prepareTopics } from './kafka-topics.ts'
import { COMMIT_TIMEOUT_MS } from './kafka-transaction.ts'
import type { GroupPlace, Log, Place } from './log.ts'

export interface KafkaLog extends Log {
  acquire(place: GroupPlace): Promise<KafkaLease>
}

/**
 * Opens the log of a cluster; creates the topics on first use, refuses another number of partitions. Without a number it
 * creates nothing and takes the log as it is.
 */
export async function kafkaLog(options: {
  readonly brokers: readonly string[]
  readonly partitions?: number
  readonly role: string
  /** Before the name of every topic, group and transactional id; two engines on one cluster differ here. */
  readonly prefix?: string
  /** Without it plain text, and nobody logs in. */
  readonly security?: KafkaSecurity
}): Promise<KafkaLog> {
  const { brokers, role, prefix = '', security = {} } = options
  checkFiles(security)
  await greet(brokers, security)
  const connection = { brokers, clientId: `saldo-${role}`, security }
  const owning = { ...connection, requestTimeoutMs: COMMIT_TIMEOUT_MS }
  const names = kafkaNames(prefix)
  const kafka = kafkaClient(connection)
  const cluster = openCluster(connection)
  const opened = new Set<() => Promise<void>>()
  /** What is still open when the log is closed is ended with it. */
  const held = (end: () => Promise<void>): (() => Promise<void>) => {
    const once = async (): Promise<void> => {
      opened.delete(once)
      await end()
    }
    opened.add(once)
    return once
  }
  try {
    await cluster.connect()
    await cluster.refreshMetadata()
    const { identity, partitions } = await prepareTopics(kafka, cluster, {
      names,
      ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
    })
    const check = checker(partitions)
    const places = new KafkaPlaces(cluster, names)
    return {
      partitions,
      identity,
      gapless: false,
      producer(producing) {
        const producer = kafkaProducer(cluster, names, check, producing)
        return appendsInTurn({ append: producer.append, close: held(() => producer.close()) })
      },
      async acquire(place) {
        check([place])
        const lease = await acquireLease(openCluster(owning), names, place, check)
        return { ...lease, release: held(() => lease.release()) }
      },
      async read(place, offset, limit) {
        check([place])
        return await places.read(place, offset, limit)
      },
      async start(place) {
        check([place])
        return await places.start(place)
      },
      async end(place) {
        check([place])
        return await places.end(place)
      },
      async position(place) {
        check([place])
        return await groupPosition(cluster, names, place)
      },
      arrival: (place, offset, signal) => places.arrival(place, offset, signal),
      async close() {
        await Promise.all([...opened].map((end) => end()))
        places.close()
        await cluster.disconnect()
      },
    }
  } catch (cause) {
    await cluster.disconnect().catch(() => undefined)
    throw asLogError(cause, 'the log was not opened')
  }
}

/** kafkajs would send what has no partition to another one. */
function checker(partitions: number): (places: readonly Place[]) => void {
  return (places) => {
    for (const { topic, partition } of places) {
      if (Number.isInteger(partition) && partition >= 0 && partition < partitions) continue
      throw new SaldoError('SALDO_LOG_MISMATCH', `${topic} has no partition ${partition}`)
    }
  }
}
