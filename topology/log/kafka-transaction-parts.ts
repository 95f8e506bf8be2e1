/** What a transaction holds: its records and the group's offset, on brokers before 4.0 and from then on. */
import { inRounds, type Chunk } from './kafka-chunks.ts'
import { byLeader, type WireBroker, type WireCluster } from './kafka-cluster.ts'
import { countOf, encodeBatch } from './kafka-encode.ts'
import { BrokerRefusal } from './kafka-errors.ts'
import type { KafkaNames } from './kafka-names.ts'
import { whileBusy } from './kafka-patience.ts'
import { produceTo, type Produced, type ProducePart } from './kafka-produce.ts'
import type { Sequences } from './kafka-sequences.ts'
import { moveOffset } from './kafka-transaction-v2.ts'
import type { GroupPlace, NewRecord } from './log.ts'

/** A commit that is not answered by then is given up: the next fence finds out what became of it. */
export const COMMIT_TIMEOUT_MS = 5_000
const REPLICAS_TIMEOUT_MS = 3_000

type Brokers = { readonly transactions: WireBroker; readonly offsets: WireBroker }
export type Identity = {
  readonly transactionalId: string
  readonly producerId: string | number
  readonly producerEpoch: number
}
/** Where the last record of a partition went. */
export type Written = { readonly topic: string; readonly partition: number; readonly last: bigint }

export type Session = {
  readonly cluster: WireCluster
  readonly names: KafkaNames
  readonly place: GroupPlace
  readonly identity: Identity
  readonly brokers: Brokers
  /** The second version of transactions, which every broker from 4.0 on has. */
  readonly isV2: boolean
}

/** Everything of a transaction but its end. */
export async function prepare(
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
      const parts = partsOf(names, identity, sequences, chunks)
      const produced = await produce(cluster, identity, parts, false)
      const refused = produced.find(({ errorCode }) => errorCode !== 0)
      if (refused !== undefined) throw new BrokerRefusal(refused.errorCode, refused)
      for (const one of writtenOf(parts, produced)) {
        written.set(`${one.topic}/${one.partition}`, one)
      }
    }
  }
  // Both are part of the transaction by now, and they go to different partitions.
  await Promise.all([writeRecords(), moveOffset()])
  return [...written.values()]
}

function partsOf(
  names: KafkaNames,
  identity: Identity,
  sequences: Sequences,
  chunks: readonly Chunk[],
): readonly ProducePart[] {
  const writer = {
    producerId: BigInt(identity.producerId),
    producerEpoch: identity.producerEpoch,
    isTransactional: true,
    time: Date.now(),
  }
  return chunks.map(({ topic, partition, records }) => {
    const name = names.topic(topic)
    const sequence = sequences.take(`${name}/${partition}`, records.length)
    return { topic: name, partition, batch: encodeBatch(records, { ...writer, sequence }) }
  })
}

/** One request to each leader. */
async function produce(
  cluster: WireCluster,
  { transactionalId }: Identity,
  parts: readonly ProducePart[],
  joins: boolean,
): Promise<readonly Produced[]> {
  const options = { transactionalId, timeoutMs: REPLICAS_TIMEOUT_MS, joins }
  const answers = await Promise.all(
    [...(await byLeader(cluster, parts))].map(([pool, own]) => produceTo(pool, own, options)),
  )
  return answers.flat()
}

function writtenOf(
  parts: readonly ProducePart[],
  produced: readonly Produced[],
): readonly Written[] {
  return produced.flatMap(({ topic, partition, errorCode, baseOffset }) => {
    const part = parts.find((other) => other.topic === topic && other.partition === partition)
    if (errorCode !== 0 || part === undefined) return []
    return [{ topic, partition, last: baseOffset + BigInt(countOf(part.batch) - 1) }]
  })
}

/** Everything of a transaction but its end, where what is written joins by itself. */
export async function prepareV2(
  { cluster, names, place, identity, brokers }: Session,
  sequences: Sequences,
  records: readonly NewRecord[],
  nextOffset: bigint | undefined,
): Promise<readonly Written[]> {
  const until = Date.now() + COMMIT_TIMEOUT_MS
  const groupId = names.group(place.group)
  const written = new Map<string, Written>()
  for (const chunks of inRounds(records)) {
    let left = partsOf(names, identity, sequences, chunks)
    await whileBusy(until, async () => {
      const produced = await produce(cluster, identity, left, true)
      const refused = produced.filter(({ errorCode }) => errorCode !== 0)
      for (const one of writtenOf(left, produced)) written.set(`${one.topic}/${one.partition}`, one)
      left = left.filter((part) =>
        refused.some(
          ({ topic, partition }) => topic === part.topic && partition === part.partition,
        ),
      )
      if (refused[0] !== undefined) throw new BrokerRefusal(refused[0].errorCode, refused[0])
    })
  }
  if (nextOffset !== undefined) {
    const of = { ...identity, producerId: BigInt(identity.producerId) }
    const { partition } = place
    const to = { groupId, topic: names.topic(place.topic), partition, offset: nextOffset }
    await whileBusy(until, () => moveOffset(brokers.offsets.connectionPool, of, to))
  } else if (records.length === 0) {
    // A transaction with nothing in it cannot be committed.
    await whileBusy(until, () => brokers.transactions.addOffsetsToTxn({ ...identity, groupId }))
  }
  return [...written.values()]
}
