/**
 * The log on Apache Kafka: transactions for commits, a transactional id per partition as the fence, and reads that end
 * at the last stable offset. A skeleton: docs/kafka.md says what it does not do yet.
 */
import { SaldoError } from '../../schemas/errors.ts'
import { openCluster } from './kafka-cluster.ts'
import { CommitBudget } from './kafka-commit-budget.ts'
import { asLogError } from './kafka-errors.ts'
import { greet } from './kafka-greeting.ts'
import { KafkaIdentity } from './kafka-identity.ts'
import { acquireLease, type KafkaLease } from './kafka-lease.ts'
import { kafkaNames } from './kafka-names.ts'
import { appendsInTurn } from './appends-in-turn.ts'
import { kafkaProducer } from './kafka-producer.ts'
import { KafkaPlaces } from './kafka-places.ts'
import { groupPositions } from './kafka-position.ts'
import { KafkaRetention, type KafkaRetentionOptions } from './kafka-retention.ts'
import { checkFiles, type KafkaSecurity } from './kafka-security.ts'
import { namesOfRefused } from './kafka-permissions.ts'
import type { TopicChoices } from './kafka-topic-plans.ts'
import { prepareTopics } from './kafka-topics.ts'
import { COMMIT_TIMEOUT_MS } from './kafka-transaction-parts.ts'
import type { GroupPlace, Log, Place } from './log.ts'
import type { Retention } from './retention.ts'

export interface KafkaLog extends Log {
  acquire(place: GroupPlace): Promise<KafkaLease>
  /** Works until the log is closed. */
  retention(options?: KafkaRetentionOptions): Retention
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
  readonly choices?: TopicChoices
  /** Told of every difference between the topics and what they ought to be that breaks no promise. */
  readonly onDifference?: (sentence: string) => void
}): Promise<KafkaLog> {
  const { brokers, role, prefix = '', security = {} } = options
  const { partitions: wanted, choices, onDifference } = options
  checkFiles(security)
  await greet(brokers, security)
  const connection = { brokers, clientId: `saldo-${role}`, security }
  const owning = { ...connection, requestTimeoutMs: COMMIT_TIMEOUT_MS }
  const names = kafkaNames(prefix)
  const cluster = openCluster(connection)
  const budget = new CommitBudget()
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
    const { identity, partitions } = await prepareTopics(cluster, {
      names,
      ...(wanted === undefined ? {} : { partitions: wanted }),
      ...(choices === undefined ? {} : { choices }),
      ...(onDifference === undefined ? {} : { onDifference }),
    })
    const check = checker(partitions)
    const same = new KafkaIdentity(cluster, names, identity)
    const places = new KafkaPlaces(cluster, names, same)
    const named = namesOfRefused(cluster, names)
    return {
      partitions,
      identity,
      gapless: false,
      producer(producing) {
        const producer = kafkaProducer(cluster, names, check, producing)
        return appendsInTurn({
          async append(records) {
            same.expect()
            await named(producer.append(records), { records })
          },
          close: held(() => producer.close()),
        })
      },
      async acquire(place) {
        check([place])
        await same.check()
        const taken = acquireLease(openCluster(owning), names, place, { check, budget })
        const lease = await named(taken, { place })
        return {
          ...lease,
          async commit(records, next) {
            same.expect()
            await named(lease.commit(records, next), { records, place })
          },
          release: held(() => lease.release()),
        }
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
        const [position] = await groupPositions(cluster, names, place, [place.partition])
        return position
      },
      retention(own = {}) {
        const reader = {
          partitions,
          read: places.read.bind(places),
          start: places.start.bind(places),
          end: places.end.bind(places),
        }
        return new KafkaRetention(cluster, names, reader, own)
      },
      arrival: (place, offset, signal) => places.arrival(place, offset, signal),
      async close() {
        same.close()
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
