/** Where a group stands for an owner who has just fenced every earlier one. */
import { KafkaReader, KafkaWriter } from './kafka-bytes.ts'
import type { KafkaPlace, WireBroker, WireCluster, WirePool } from './kafka-cluster.ts'
import { brokerCode, BrokerRefusal, kafkaErrors } from './kafka-errors.ts'
import { wireCall } from './kafka-fetch.ts'
import type { KafkaNames } from './kafka-names.ts'
import { whileMoving } from './kafka-patience.ts'
import type { GroupPlace } from './log.ts'

const NO_TAGS = Buffer.of(0)
/** A coordinator hears of the end of a transaction well within this, or never. */
const SETTLES_WITHIN_MS = 2_000

export type SettledOffset = {
  readonly coordinator: WireBroker
  /** Undefined where the group never committed. */
  readonly committed: bigint | undefined
}

/** Undefined where a transaction that moved the offset is without an end for too long. */
export async function settledOffset(at: {
  readonly cluster: WireCluster
  readonly names: KafkaNames
  readonly place: GroupPlace
  /** Coordinators that move are waited for. */
  readonly until: number
}): Promise<SettledOffset | undefined> {
  const { cluster, names, place, until } = at
  const groupId = names.group(place.group)
  const moved = { topic: names.topic(place.topic), partition: place.partition }
  const patientUntil = Date.now() + SETTLES_WITHIN_MS
  return await whileMoving(until, async () => {
    // Asked for each time: it may have moved, and the one that was asked before would say so for ever.
    const coordinator = await cluster.findGroupCoordinator({ groupId, coordinatorType: 0 })
    try {
      const committed = await stableOffset(coordinator.connectionPool, groupId, moved)
      return { coordinator, committed }
    } catch (error) {
      const isUnstable = brokerCode(error) === kafkaErrors.UNSTABLE_OFFSET_COMMIT
      if (isUnstable && Date.now() > patientUntil) return undefined
      throw error
    }
  })
}

/**
 * The offset, undefined where the group never committed. Rejects with UNSTABLE_OFFSET_COMMIT while a transaction that
 * moved it has no end for this coordinator: it would answer with the offset before that one, which is committed.
 */
async function stableOffset(
  coordinator: WirePool,
  groupId: string,
  { topic, partition }: KafkaPlace,
): Promise<bigint | undefined> {
  const body = new KafkaWriter()
    .raw(NO_TAGS)
    .compactString(groupId)
    .compactLength(1)
    .compactString(topic)
    .compactLength(1)
    .int32(partition)
    .raw(NO_TAGS)
    // Require stable.
    .int8(1)
    .raw(NO_TAGS)
  const kind = { apiKey: 9, apiVersion: 7, apiName: 'OffsetFetch' }
  const { code, offset } = await coordinator.send(wireCall(kind, body.bytes, decodeOffset))
  if (code !== 0) throw new BrokerRefusal(code)
  return offset < 0n ? undefined : offset
}

function decodeOffset(bytes: Buffer): { readonly code: number; readonly offset: bigint } {
  const reader = new KafkaReader(bytes)
  reader.tags()
  reader.int32()
  let offset = -1n
  let code = 0
  // One topic and one partition, or neither where the whole request was refused.
  for (let topics = reader.compactLength(); topics > 0; topics--) {
    reader.compactString()
    for (let parts = reader.compactLength(); parts > 0; parts--) {
      reader.int32()
      offset = reader.int64()
      reader.int32()
      reader.compactString()
      code = reader.int16()
      reader.tags()
    }
    reader.tags()
  }
  const whole = reader.int16()
  return { code: whole === 0 ? code : whole, offset }
}
