import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import type { WireCluster } from './kafka-cluster.ts'
import { asLogError } from './kafka-errors.ts'
import type { KafkaNames } from './kafka-names.ts'
import type { GroupPlace } from './log.ts'

const TRIES_MAX = 20
const RETRY_PAUSE_MS = 50

/** Where a group stands, asked of its coordinator, which may be moving. */
export async function groupPosition(
  cluster: WireCluster,
  names: KafkaNames,
  { group, topic, partition }: GroupPlace,
): Promise<bigint | undefined> {
  const groupId = names.group(group)
  const topics = [{ topic: names.topic(topic), partitions: [{ partition }] }]
  for (let tries = 1; ; tries++) {
    try {
      const coordinator = await cluster.findGroupCoordinator({ groupId, coordinatorType: 0 })
      const { responses } = await coordinator.offsetFetch({ groupId, topics })
      const committed = BigInt(responses[0]?.partitions[0]?.offset ?? -1)
      return committed < 0n ? undefined : committed
    } catch (cause) {
      const error = asLogError(cause, `asking where ${group} stands`)
      if (!(error instanceof SaldoError) || !error.retryable || tries === TRIES_MAX) throw error
      await pause(RETRY_PAUSE_MS)
    }
  }
}
