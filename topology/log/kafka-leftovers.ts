/**
 * What a transaction that is over for its coordinator left without a marker: records, or the group's offset.
 *
 * Kafka 4.3.1 leaves them (KAFKA-20734): a coordinator that comes back in the middle of a commit takes partitions that
 * have no leader yet for deleted, and forgets their markers. Nobody sees the records then, until the next transaction
 * of the same producer ends: its end would be theirs too, whichever way it goes, behind a state that knows nothing of
 * them. And nobody learns where the group stands. So who takes over ends them as their own transaction ended, before
 * anything else.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { KafkaReader, KafkaWriter } from './kafka-bytes.ts'
import {
  byLeader,
  type KafkaPlace,
  type WireBroker,
  type WireCall,
  type WireCluster,
} from './kafka-cluster.ts'
import { BrokerRefusal, kafkaErrors } from './kafka-errors.ts'
import { wireCall } from './kafka-fetch.ts'
import type { KafkaNames } from './kafka-names.ts'
import { MOVED_PAUSE_MS, whileBusy } from './kafka-patience.ts'
import type { Identity } from './kafka-transaction-parts.ts'
import type { GroupPlace } from './log.ts'

/** How the last transaction of an id ended, or will; undefined where its coordinator does not know any more. */
export type Ending = 'commit' | 'abort' | undefined

const TRANSACTIONAL_ID_NOT_FOUND = 105
const NO_TAGS = Buffer.of(0)

const endings: Readonly<Record<string, Ending>> = {
  PrepareCommit: 'commit',
  CompleteCommit: 'commit',
  // Whoever takes the id over aborts it.
  Ongoing: 'abort',
  PrepareAbort: 'abort',
  PrepareEpochFence: 'abort',
  CompleteAbort: 'abort',
}
/** Its coordinator still has markers to write. */
const unfinished: ReadonlySet<string> = new Set([
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'PrepareEpochFence',
])

/** To be asked before the id is taken over, which makes its coordinator forget. */
export async function endingOf(
  coordinator: WireBroker,
  transactionalId: string,
): Promise<{ readonly ending: Ending; readonly isComplete: boolean }> {
  const { errorCode, state } = await coordinator.connectionPool.send(describeCall(transactionalId))
  if (errorCode === TRANSACTIONAL_ID_NOT_FOUND) return { ending: undefined, isComplete: true }
  if (errorCode !== 0) throw new BrokerRefusal(errorCode)
  return { ending: endings[state], isComplete: !unfinished.has(state) }
}

/** Where transactions of a producer are open in a partition of some topics, as the leaders know it. */
export async function openOf(
  cluster: WireCluster,
  topics: readonly string[],
  partition: number,
  producerId: bigint,
): Promise<readonly KafkaPlace[]> {
  const led = await byLeader(
    cluster,
    topics.map((topic) => ({ topic, partition })),
  )
  const answers = await Promise.all([...led].map(([pool, own]) => pool.send(producersCall(own))))
  return answers.flat().flatMap(({ topic, errorCode, open }) => {
    // Who may not read a topic is of a role that does not write there either (docs/kafka-security.md).
    if (errorCode === kafkaErrors.TOPIC_AUTHORIZATION_FAILED) return []
    if (errorCode !== 0) throw new BrokerRefusal(errorCode)
    return open.includes(producerId) ? [{ topic, partition }] : []
  })
}

/** Ends what a transaction before left without markers as that one ended; false where there is nothing. */
export async function endLeftovers(at: {
  readonly cluster: WireCluster
  readonly names: KafkaNames
  readonly place: GroupPlace
  /** Leaders and coordinators that are away are waited for. */
  readonly until: number
  readonly identity: Identity
  readonly ending: Ending
  /** The group's offset waits for the end of a transaction that is over. */
  readonly isOffsetOpen: boolean
}): Promise<boolean> {
  const { cluster, names, place, until, identity, ending, isOffsetOpen } = at
  const { transactionalId } = identity
  const open = await whileAway(cluster, until, () =>
    openOf(cluster, names.topics, place.partition, BigInt(identity.producerId)),
  )
  if (open.length === 0 && !isOffsetOpen) return false
  if (ending === undefined) throw unknownEnding(open, place)
  const topics = open.map(({ topic, partition }) => ({ topic, partitions: [partition] }))
  const groupId = names.group(place.group)
  const broker = await cluster.findGroupCoordinator({
    groupId: transactionalId,
    coordinatorType: 1,
  })
  if (open.length > 0) {
    await whileBusy(until, () => broker.addPartitionsToTxn({ ...identity, topics }))
  }
  await whileBusy(until, () => broker.addOffsetsToTxn({ ...identity, groupId }))
  await broker.endTxn({ ...identity, transactionResult: ending === 'commit' })
  return true
}

function unknownEnding(open: readonly KafkaPlace[], { group, partition }: GroupPlace): SaldoError {
  const records = open.map((one) => `${one.topic}/${one.partition}`).join(', ')
  const what = records === '' ? `the offset of ${group} in partition ${partition}` : records
  return new SaldoError(
    'SALDO_LOG_UNAVAILABLE',
    `${what} waits for the end of a transaction of which nobody knows how it ended: see "A transaction without an end" in docs/kafka.md`,
    { retryable: true },
  )
}

/** Asks again while a leader is away. */
async function whileAway<Answer>(
  cluster: WireCluster,
  until: number,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (Date.now() > until) throw error
      await pause(MOVED_PAUSE_MS)
      await cluster.refreshMetadata().catch(() => undefined)
    }
  }
}

// The header that kafkajs writes is one version older than that of both, which lacks only the tags.

type Described = { readonly errorCode: number; readonly state: string }

function describeCall(transactionalId: string): WireCall<Described> {
  const body = new KafkaWriter()
    .raw(NO_TAGS)
    .compactLength(1)
    .compactString(transactionalId)
    .raw(NO_TAGS)
  const kind = { apiKey: 65, apiVersion: 0, apiName: 'DescribeTransactions' }
  return wireCall(kind, body.bytes, (bytes) => {
    const reader = new KafkaReader(bytes)
    reader.tags()
    // Throttle time, and one answer to one question.
    reader.int32()
    reader.compactLength()
    const errorCode = reader.int16()
    reader.compactString()
    return { errorCode, state: reader.compactString() }
  })
}

type Producers = KafkaPlace & { readonly errorCode: number; readonly open: readonly bigint[] }

function producersCall(places: readonly KafkaPlace[]): WireCall<readonly Producers[]> {
  const body = new KafkaWriter().raw(NO_TAGS).compactLength(places.length)
  for (const { topic, partition } of places) {
    body.compactString(topic).compactLength(1).int32(partition).raw(NO_TAGS)
  }
  body.raw(NO_TAGS)
  const kind = { apiKey: 61, apiVersion: 0, apiName: 'DescribeProducers' }
  return wireCall(kind, body.bytes, decodeProducers)
}

function decodeProducers(bytes: Buffer): readonly Producers[] {
  const reader = new KafkaReader(bytes)
  reader.tags()
  reader.int32()
  const found: Producers[] = []
  for (let topics = reader.compactLength(); topics > 0; topics--) {
    const topic = reader.compactString()
    for (let parts = reader.compactLength(); parts > 0; parts--) {
      const partition = reader.int32()
      const errorCode = reader.int16()
      reader.compactString()
      found.push({ topic, partition, errorCode, open: openProducers(reader) })
      reader.tags()
    }
    reader.tags()
  }
  return found
}

/** Those with a transaction that has a first offset. */
function openProducers(reader: KafkaReader): readonly bigint[] {
  const open: bigint[] = []
  for (let left = reader.compactLength(); left > 0; left--) {
    const producerId = reader.int64()
    // Its epoch, its last sequence and time, and the epoch of its coordinator.
    reader.raw(20)
    if (reader.int64() >= 0n) open.push(producerId)
    reader.tags()
  }
  return open
}
