/**
 * Transactions of one transactional id, request by request.
 *
 * Invariant: the request that commits is sent once and never again, so what its failure means is known: an answer that
 * names a newer owner is a refusal, anything else is a doubt. Before it, every failure means that nothing happened.
 * kafkajs's own transactions repeat requests where that cannot be told apart, and lose acknowledged records when a
 * leader changes.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { inRounds, type Chunk } from './kafka-chunks.ts'
import { byLeader, type WireBroker, type WireCluster, type WirePool } from './kafka-cluster.ts'
import { encodeBatch } from './kafka-encode.ts'
import { asLogError, brokerCode, BrokerRefusal, isFenced, kafkaErrors } from './kafka-errors.ts'
import { fetchFrom } from './kafka-fetch.ts'
import type { KafkaNames } from './kafka-names.ts'
import { produceTo, type ProducePart } from './kafka-produce.ts'
import { Sequences } from './kafka-sequences.ts'
import type { GroupPlace, NewRecord } from './log.ts'

/** A dead owner holds the readers of its partitions up for so long, unless somebody takes over before. */
const TRANSACTION_TIMEOUT_MS = 15_000
const FENCE_TIMEOUT_MS = 60_000
/** A commit that is not answered by then is given up: the next fence finds out what became of it. */
export const COMMIT_TIMEOUT_MS = 5_000
const REPLICAS_TIMEOUT_MS = 3_000
const VISIBLE_WAIT_MS = 1_000
const BUSY_PAUSE_MS = 4
const MOVED_PAUSE_MS = 50

/** A fenced transactional id: whoever had it before can commit nothing any more. */
export type Writer = {
  readonly epoch: bigint
  readonly committed: bigint | undefined
  commit(records: readonly NewRecord[], nextOffset: bigint | undefined): Promise<void>
}

type Brokers = { readonly transactions: WireBroker; readonly offsets: WireBroker }
type Identity = {
  readonly transactionalId: string
  readonly producerId: string | number
  readonly producerEpoch: number
}
/** Where the last record of a partition went. */
type Written = { readonly topic: string; readonly partition: number; readonly last: bigint }

/** Takes the transactional id over: answers when the transaction of the owner before is complete, one way or the other. */
export async function fencedWriter(
  cluster: WireCluster,
  names: KafkaNames,
  place: GroupPlace,
): Promise<Writer> {
  const transactionalId = names.transactionalId(place)
  const groupId = names.group(place.group)
  const until = Date.now() + FENCE_TIMEOUT_MS
  const fence = async (): Promise<Identity> => {
    const broker = await cluster.findGroupCoordinator({
      groupId: transactionalId,
      coordinatorType: 1,
    })
    const transactionTimeout = TRANSACTION_TIMEOUT_MS
    return {
      transactionalId,
      ...(await broker.initProducerId({ transactionalId, transactionTimeout })),
    }
  }
  const identity = await whileMoving(until, fence)
  const transactions = await cluster.findGroupCoordinator({
    groupId: transactionalId,
    coordinatorType: 1,
  })
  const topic = names.topic(place.topic)
  const { offsets, responses } = await whileMoving(until, async () => {
    // Asked for each time: it may have moved, and the one that was asked before would say so for ever.
    const broker = await cluster.findGroupCoordinator({ groupId, coordinatorType: 0 })
    const topics = [{ topic, partitions: [{ partition: place.partition }] }]
    return { offsets: broker, ...(await broker.offsetFetch({ groupId, topics })) }
  })
  const committed = BigInt(responses[0]?.partitions[0]?.offset ?? -1)
  return {
    // Grows with every take-over as long as the broker remembers the transactional id: seven days without a commit.
    epoch: (BigInt(identity.producerId) << 16n) | BigInt(identity.producerEpoch),
    committed: committed < 0n ? undefined : committed,
    commit: committer({ cluster, names, place, identity, brokers: { transactions, offsets } }),
  }
}

type Session = {
  readonly cluster: WireCluster
  readonly names: KafkaNames
  readonly place: GroupPlace
  readonly identity: Identity
  readonly brokers: Brokers
}

function committer(session: Session): Writer['commit'] {
  const sequences = new Sequences()
  return async (records, nextOffset) => {
    const written = await inTime(prepare(session, sequences, records, nextOffset)).catch(
      (cause: unknown) => {
        throw asLogError(cause, 'a commit was not made')
      },
    )
    try {
      await inTime(end(session, written))
    } catch (cause) {
      if (isFenced(cause)) throw asLogError(cause, 'a commit was refused')
      throw new SaldoError('SALDO_COMMIT_IN_DOUBT', 'the answer to a commit was lost', {
        retryable: true,
        cause,
      })
    }
  }
}

/** What goes on behind it after the time is up does no harm: the writer is dropped, and the request that commits is the last. */
async function inTime<Answer>(work: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const message = `no answer for ${COMMIT_TIMEOUT_MS} ms`
    late.reject(new SaldoError('SALDO_LOG_UNAVAILABLE', message, { retryable: true }))
  }, COMMIT_TIMEOUT_MS)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function end({ cluster, identity, brokers }: Session, written: readonly Written[]) {
  await brokers.transactions.endTxn({ ...identity, transactionResult: true })
  await visible(cluster, written)
}

/** Everything of a transaction but its end. */
async function prepare(
  { cluster, names, place, identity, brokers }: Session,
  sequences: Sequences,
  records: readonly NewRecord[],
  nextOffset: bigint | undefined,
): Promise<readonly Written[]> {
  const until = Date.now() + COMMIT_TIMEOUT_MS
  const rounds = inRounds(records)
  const written = new Map<string, Written>()
  if (rounds[0] !== undefined) {
    const byTopic = Map.groupBy(rounds[0], ({ topic }) => names.topic(topic))
    const added = [...byTopic].map(([topic, chunks]) => ({
      topic,
      partitions: chunks.map(({ partition }) => partition),
    }))
    await whileBusy(until, () =>
      brokers.transactions.addPartitionsToTxn({ ...identity, topics: added }),
    )
  }
  const groupId = names.group(place.group)
  await whileBusy(until, () => brokers.transactions.addOffsetsToTxn({ ...identity, groupId }))
  const moveOffset = async (): Promise<void> => {
    if (nextOffset === undefined) return
    const partitions = [{ partition: place.partition, offset: String(nextOffset) }]
    const topics = [{ topic: names.topic(place.topic), partitions }]
    await brokers.offsets.txnOffsetCommit({ ...identity, groupId, topics })
  }
  const writeRecords = async (): Promise<void> => {
    for (const chunks of rounds) {
      for (const one of await produce(cluster, names, identity, sequences, chunks)) {
        written.set(`${one.topic}/${one.partition}`, one)
      }
    }
  }
  // Both are part of the transaction by now, and they go to different partitions.
  await Promise.all([writeRecords(), moveOffset()])
  return [...written.values()]
}

/** One round, one request to each leader. Nothing is repeated: what fails here fails the whole transaction. */
async function produce(
  cluster: WireCluster,
  names: KafkaNames,
  identity: Identity,
  sequences: Sequences,
  chunks: readonly Chunk[],
): Promise<readonly Written[]> {
  const { transactionalId, producerEpoch } = identity
  const writer = {
    producerId: BigInt(identity.producerId),
    producerEpoch,
    isTransactional: true,
    time: Date.now(),
  }
  const counts = new Map<string, number>()
  const parts = chunks.map(({ topic, partition, records }): ProducePart => {
    const name = names.topic(topic)
    const place = `${name}/${partition}`
    counts.set(place, records.length)
    const sequence = sequences.take(place, records.length)
    return { topic: name, partition, batch: encodeBatch(records, { ...writer, sequence }) }
  })
  const options = { transactionalId, timeoutMs: REPLICAS_TIMEOUT_MS }
  const answers = await Promise.all(
    [...(await byLeader(cluster, parts))].map(([pool, own]) => produceTo(pool, own, options)),
  )
  return answers.flat().map(({ topic, partition, errorCode, baseOffset }) => {
    if (errorCode !== 0) throw new BrokerRefusal(errorCode)
    const count = counts.get(`${topic}/${partition}`) ?? 1
    return { topic, partition, last: baseOffset + BigInt(count - 1) }
  })
}

/**
 * The broker answers a commit as soon as it can no longer fail; readers see it when its markers are written. Who was
 * told of a commit by another way than the log, as by a checkpoint in SQL, must find it there.
 */
async function visible(cluster: WireCluster, written: readonly Written[]): Promise<void> {
  const until = Date.now() + COMMIT_TIMEOUT_MS
  for (let left = written; left.length > 0;) {
    if (Date.now() > until) throw new Error(`a commit is not visible in ${left[0]?.topic}`)
    try {
      const seen = await Promise.all(
        [...(await byLeader(cluster, left))].map(([pool, own]) => visibleAt(pool, own)),
      )
      left = left.filter((one) => !seen.some((those) => those.includes(one)))
    } catch (cause) {
      // Nothing is in doubt where a leader moved or went away: the next one is asked.
      if (!(asLogError(cause, 'waiting for a commit') instanceof SaldoError)) throw cause
      await pause(MOVED_PAUSE_MS)
      await cluster.refreshMetadata().catch(() => undefined)
    }
  }
}

/** Those that are, after one request that waits until any of them is. */
async function visibleAt(pool: WirePool, written: readonly Written[]): Promise<readonly Written[]> {
  const from = written.map(({ topic, partition, last }) => {
    return { topic, partition, offset: last + 1n, bytesMax: 1 }
  })
  const fetched = await fetchFrom(pool, from, VISIBLE_WAIT_MS)
  return written.filter(({ topic, partition, last }) => {
    const one = fetched.find((other) => other.topic === topic && other.partition === partition)
    if (one === undefined || one.errorCode !== 0) throw new BrokerRefusal(one?.errorCode ?? -1)
    return one.stable > last
  })
}

/** The broker that was asked will do it soon. */
const busy: ReadonlySet<number> = new Set([
  kafkaErrors.COORDINATOR_LOADING,
  kafkaErrors.CONCURRENT_TRANSACTIONS,
])
/** Another broker will, or the same one when it knows of it. */
const moving: ReadonlySet<number> = new Set([
  kafkaErrors.COORDINATOR_NOT_AVAILABLE,
  kafkaErrors.NOT_COORDINATOR,
])

/** Asks again while coordinators move, which `ask` looks up each time. */
async function whileMoving<Answer>(until: number, ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await whileBusy(until, ask)
    } catch (error) {
      if (!moving.has(brokerCode(error) ?? 0) || Date.now() > until) throw error
      await pause(MOVED_PAUSE_MS)
    }
  }
}

/** Asks again while the broker is busy with the transaction before, or with learning of it. */
async function whileBusy<Answer>(until: number, ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!busy.has(brokerCode(error) ?? 0) || Date.now() > until) throw error
      await pause(BUSY_PAUSE_MS)
    }
  }
}
