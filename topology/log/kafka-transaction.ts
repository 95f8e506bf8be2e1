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
import { leaderOf, type WireBroker, type WireCluster, type WirePool } from './kafka-cluster.ts'
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
const VISIBLE_TIMEOUT_MS = 10_000
const BUSY_PAUSE_MS = 4

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
  const identity = await whileBusy(until, fence)
  const transactions = await cluster.findGroupCoordinator({
    groupId: transactionalId,
    coordinatorType: 1,
  })
  const topic = names.topic(place.topic)
  const { offsets, responses } = await whileBusy(until, async () => {
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
    const written = await prepare(session, sequences, records, nextOffset).catch(
      (cause: unknown) => {
        throw asLogError(cause, 'a commit was not made')
      },
    )
    try {
      const { identity, brokers } = session
      await brokers.transactions.endTxn({ ...identity, transactionResult: true })
      await visible(session.cluster, written)
    } catch (cause) {
      if (isFenced(cause)) throw asLogError(cause, 'a commit was refused')
      throw new SaldoError('SALDO_COMMIT_IN_DOUBT', 'the answer to a commit was lost', {
        retryable: true,
        cause,
      })
    }
  }
}

/** Everything of a transaction but its end. */
async function prepare(
  { cluster, names, place, identity, brokers }: Session,
  sequences: Sequences,
  records: readonly NewRecord[],
  nextOffset: bigint | undefined,
): Promise<readonly Written[]> {
  const until = Date.now() + TRANSACTION_TIMEOUT_MS
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
  for (const chunks of rounds) {
    for (const one of await produce(cluster, names, identity, sequences, chunks)) {
      written.set(`${one.topic}/${one.partition}`, one)
    }
  }
  const groupId = names.group(place.group)
  await whileBusy(until, () => brokers.transactions.addOffsetsToTxn({ ...identity, groupId }))
  if (nextOffset !== undefined) {
    const { partition } = place
    const topics = [
      { topic: names.topic(place.topic), partitions: [{ partition, offset: String(nextOffset) }] },
    ]
    await brokers.offsets.txnOffsetCommit({ ...identity, groupId, topics })
  }
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
  const byLeader = new Map<WirePool, ProducePart[]>()
  const counts = new Map<string, number>()
  for (const { topic, partition, records } of chunks) {
    const name = names.topic(topic)
    const place = `${name}/${partition}`
    const sequence = sequences.take(place, records.length)
    const batch = encodeBatch(records, { ...writer, sequence })
    const { connectionPool } = await leaderOf(cluster, name, partition)
    byLeader.set(connectionPool, [
      ...(byLeader.get(connectionPool) ?? []),
      { topic: name, partition, batch },
    ])
    counts.set(place, records.length)
  }
  const options = { transactionalId, timeoutMs: TRANSACTION_TIMEOUT_MS }
  const answers = await Promise.all(
    [...byLeader].map(([pool, parts]) => produceTo(pool, parts, options)),
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
  const until = Date.now() + VISIBLE_TIMEOUT_MS
  for (const { topic, partition, last } of written) {
    const { connectionPool } = await leaderOf(cluster, topic, partition)
    for (;;) {
      const from = { topic, partition, offset: last + 1n, bytesMax: 1 }
      const [fetched] = await fetchFrom(connectionPool, [from], VISIBLE_TIMEOUT_MS / 2)
      if (fetched?.errorCode === 0 && fetched.stable > last) break
      if (Date.now() > until) throw new Error(`a commit is not visible in ${topic}/${partition}`)
    }
  }
}

const busy: ReadonlySet<number> = new Set([
  kafkaErrors.COORDINATOR_LOADING,
  kafkaErrors.COORDINATOR_NOT_AVAILABLE,
  kafkaErrors.NOT_COORDINATOR,
  kafkaErrors.CONCURRENT_TRANSACTIONS,
])

/** Asks again while the broker is busy with the transaction before, or with finding out that it is to answer. */
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
