/**
 * How a transactional id changes hands: the owner before is fenced, what it left is ended, and only then it is read how
 * far the group came.
 */
import type { WireBroker, WireCluster } from './kafka-cluster.ts'
import { BrokerRefusal, kafkaErrors } from './kafka-errors.ts'
import { endingOf, endLeftovers, openOf } from './kafka-leftovers.ts'
import type { KafkaNames } from './kafka-names.ts'
import { whileMoving } from './kafka-patience.ts'
import { settledOffset } from './kafka-stable-offset.ts'
import type { Identity, Session } from './kafka-transaction-parts.ts'
import type { GroupPlace } from './log.ts'

/** A dead owner holds the readers of its partitions up for so long, unless somebody takes over before. */
const TRANSACTION_TIMEOUT_MS = 15_000
const FENCE_TIMEOUT_MS = 60_000

export type TakenOver = {
  readonly identity: Identity
  readonly committed: bigint | undefined
  readonly brokers: Session['brokers']
}

/** Answers when the transaction of the owner before is complete, one way or the other. */
export async function takeOver(
  cluster: WireCluster,
  names: KafkaNames,
  place: GroupPlace,
): Promise<TakenOver> {
  const transactionalId = names.transactionalId(place)
  const until = Date.now() + FENCE_TIMEOUT_MS
  const coordinator = (): Promise<WireBroker> =>
    cluster.findGroupCoordinator({ groupId: transactionalId, coordinatorType: 1 })
  const fence = (): Promise<Identity> =>
    whileMoving(until, async () => {
      const broker = await coordinator()
      const asked = { transactionalId, transactionTimeout: TRANSACTION_TIMEOUT_MS }
      return { transactionalId, ...(await broker.initProducerId(asked)) }
    })
  const settled = () => settledOffset({ cluster, names, place, until })
  // Nothing is forgotten by the coordinator before everybody answers who is asked behind the fence.
  await openOf(cluster, names.topics, place.partition, -1n)
  const { ending, isComplete } = await whileMoving(until, async () =>
    endingOf(await coordinator(), transactionalId),
  )
  const isOffsetOpen = isComplete && (await settled()) === undefined
  const leftovers = { cluster, names, place, until, ending }
  let identity = await fence()
  // The second fence answers when the markers are written.
  if (await endLeftovers({ ...leftovers, identity, isOffsetOpen })) identity = await fence()
  let group = await settled()
  if (group === undefined) {
    await endLeftovers({ ...leftovers, identity, isOffsetOpen: true })
    identity = await fence()
    group = await settled()
  }
  if (group === undefined) throw new BrokerRefusal(kafkaErrors.UNSTABLE_OFFSET_COMMIT)
  const brokers = { transactions: await coordinator(), offsets: group.coordinator }
  return { identity, committed: group.committed, brokers }
}
