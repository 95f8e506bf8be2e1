import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import type { TopicName } from '../../schemas/topics.ts'
import type { WireCluster } from './kafka-cluster.ts'
import { asLogError } from './kafka-errors.ts'
import type { KafkaNames } from './kafka-names.ts'

const TRIES_MAX = 20
const RETRY_PAUSE_MS = 50

/** Where a group stands in each of these partitions, asked of its coordinator, which may be moving. */
export async function groupPositions(
  cluster: WireCluster,
  names: KafkaNames,
  { group, topic }: { readonly group: string; readonly topic: TopicName },
  partitions: readonly number[],
): Promise<readonly (bigint | undefined)[]> {
  const groupId = names.group(group)
  const asked = partitions.map((partition) => ({ partition }))
  const topics = [{ topic: names.topic(topic), partitions: asked }]
  for (let tries = 1; ; tries++) {
    try {
      const coordinator = await cluster.findGroupCoordinator({ groupId, coordinatorType: 0 })
      const { responses } = await coordinator.offsetFetch({ groupId, topics })
      const committed = new Map(
        responses[0]?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]),
      )
      return partitions.map((partition) => {
        const offset = committed.get(partition) ?? -1n
        return offset < 0n ? undefined : offset
      })
    } catch (cause) {
      const error = asLogError(cause, `asking where ${group} stands`)
      if (!(error instanceof SaldoError) || !error.retryable || tries === TRIES_MAX) throw error
      await pause(RETRY_PAUSE_MS)
    }
  }
}
