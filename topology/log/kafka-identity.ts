/** Whether the topics of an open log are still those that it was opened with. */
import { createHash } from 'node:crypto'
import { SaldoError } from '../../schemas/errors.ts'
import type { TopicName } from '../../schemas/topics.ts'
import type { WireCluster } from './kafka-cluster.ts'
import { describeTopics, type ClusterDescription } from './kafka-metadata.ts'
import type { KafkaNames } from './kafka-names.ts'

/**
 * The topics that make it the same log. In this order, for ever: the identity is in every progress row. What follows
 * from them, and topics that later releases add, may come and go.
 */
export const ofRecord = [
  'ledger.commands',
  'ledger.events',
  'ledger.outcomes',
  'ledger.parked',
  'ledger.dead-letters',
] as const satisfies readonly TopicName[]

/** For whoever only writes; readers and new owners ask by themselves. */
const LOOK_EVERY_MS = 30_000

/**
 * Looks now and then, and whenever somebody finds something odd. Topics that are missing say nothing: a broker may not
 * know them yet. Others under the same names are another log, for good.
 */
export class KafkaIdentity {
  readonly #cluster: WireCluster
  readonly #names: KafkaNames
  readonly #opened: string
  readonly #timer: NodeJS.Timeout
  #mismatch: SaldoError | undefined
  #looking: Promise<void> | undefined

  constructor(cluster: WireCluster, names: KafkaNames, opened: string, everyMs = LOOK_EVERY_MS) {
    this.#cluster = cluster
    this.#names = names
    this.#opened = opened
    this.#timer = setInterval(() => void this.check().catch(() => undefined), everyMs).unref()
  }

  /** Throws SALDO_LOG_MISMATCH once another log was seen in the place of this one. */
  expect(): void {
    if (this.#mismatch !== undefined) throw this.#mismatch
  }

  /** Rejects with SALDO_LOG_MISMATCH where another log is there now; brokers that do not answer prove nothing. */
  async check(): Promise<void> {
    this.expect()
    this.#looking ??= this.#look()
    await this.#looking
    this.expect()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    try {
      const { connectionPool } = await this.#cluster.brokerPool.findConnectedBroker()
      const found = await describeTopics(connectionPool, this.#names.topics)
      const identity = identityOf(found, this.#names)
      if (identity === undefined || identity === this.#opened) return
      this.#mismatch = new SaldoError(
        'SALDO_LOG_MISMATCH',
        'topics of this log were deleted and created again while it was open: stop everything that uses it, and bring the old ones back or start with an empty database and an empty log',
      )
    } catch {
      // Whoever needs the cluster hears from it by itself.
    } finally {
      this.#looking = undefined
    }
  }
}

/** Shaped as a UUID, which is how progress rows keep it; undefined while a topic of record is missing. */
export function identityOf(
  { clusterId, topics: found }: ClusterDescription,
  names: KafkaNames,
): string | undefined {
  const parts = [clusterId]
  for (const name of ofRecord.map(names.topic)) {
    const topic = found.get(name)
    if (topic === undefined) return undefined
    parts.push(`${name}=${topic.id}`)
  }
  const hex = createHash('sha256').update(parts.join('\n')).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
