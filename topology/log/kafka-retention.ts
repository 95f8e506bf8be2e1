/**
 * Retention on Kafka: what has an age is the topics' own settings, what is removed behind its readers is removed here.
 *
 * Invariant: nothing is removed that a reader has not passed, and nothing behind the last stable offset: the broker
 * itself would remove records of transactions that are open.
 */
import { SaldoError } from '../../schemas/errors.ts'
import type { TopicName } from '../../schemas/topics.ts'
import { deleteRecordsCall, type Removal } from './kafka-admin-calls.ts'
import { leaderOf, type WireCluster, type WirePool } from './kafka-cluster.ts'
import { asLogError, kafkaErrors } from './kafka-errors.ts'
import type { KafkaNames } from './kafka-names.ts'
import { groupPositions } from './kafka-position.ts'
import type { Log, Place } from './log.ts'
import type { Removed, Retention, RetentionRule } from './retention.ts'

export type KafkaRetentionOptions = {
  /** Told once of a topic that this login may not remove records of. */
  readonly onRefused?: (sentence: string) => void
}

type Reader = Pick<Log, 'partitions' | 'read' | 'start' | 'end'>

export class KafkaRetention implements Retention {
  readonly #cluster: WireCluster
  readonly #names: KafkaNames
  readonly #log: Reader
  readonly #onRefused: (sentence: string) => void
  /** Where places start, as far as it was heard: a turn without anything to remove asks nobody. */
  readonly #starts = new Map<string, bigint>()
  readonly #refused = new Set<TopicName>()
  /** By partition the oldest unread command, and from where on it is the first. */
  readonly #oldest = new Map<number, Oldest>()

  constructor(
    cluster: WireCluster,
    names: KafkaNames,
    log: Reader,
    { onRefused = () => undefined }: KafkaRetentionOptions,
  ) {
    this.#cluster = cluster
    this.#names = names
    this.#log = log
    this.#onRefused = onRefused
  }

  async sweep(rules: readonly RetentionRule[]): Promise<readonly Removed[]> {
    const removed: Removed[] = []
    for (const rule of rules) {
      if (rule.olderThanMs > 0) continue
      const [topic] = rule.topics
      const offsets = await this.#removeBefore(topic, await this.#bounds(rule))
      if (offsets > 0) removed.push({ topic, offsets })
    }
    return removed
  }

  async unreadMs(group: string): Promise<ReadonlyMap<number, number>> {
    const committed = await this.#positions(group, 'ledger.commands')
    const ages = await Promise.all(
      committed.map(async (offset, partition) => {
        const since = await this.#unreadSince(partition, offset)
        return [partition, since === undefined ? 0 : Math.max(0, Date.now() - since)] as const
      }),
    )
    return new Map(ages)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** By partition what every reader has passed. */
  async #bounds({
    topics: [topic],
    groups = [],
    readTo,
  }: RetentionRule): Promise<readonly bigint[]> {
    const passed = await Promise.all(groups.map((group) => this.#positions(group, topic)))
    return Array.from({ length: this.#log.partitions }, (_, partition) => {
      const all = [...passed, ...(readTo === undefined ? [] : [readTo])]
      return least(all.map((offsets) => offsets[partition] ?? 0n))
    })
  }

  #positions(group: string, topic: TopicName): Promise<readonly (bigint | undefined)[]> {
    const partitions = Array.from({ length: this.#log.partitions }, (_, partition) => partition)
    return groupPositions(this.#cluster, this.#names, { group, topic }, partitions)
  }

  async #removeBefore(topic: TopicName, bounds: readonly bigint[]): Promise<number> {
    const byLeader = new Map<WirePool, Removal[]>()
    for (const [partition, bound] of bounds.entries()) {
      const place = { topic, partition }
      if (bound <= (this.#starts.get(keyOf(place)) ?? 0n)) continue
      const before = least([bound, await this.#log.end(place)])
      const start = await this.#log.start(place)
      this.#starts.set(keyOf(place), start)
      if (before <= start) continue
      const pool = await this.#leaderOf(place)
      byLeader.set(pool, [...(byLeader.get(pool) ?? []), { partition, before }])
    }
    const counts = await Promise.all(
      [...byLeader].map(([pool, removals]) => this.#removeAt(pool, topic, removals)),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** What is not removed now is at a later turn: a leader that has moved is no failure. */
  async #removeAt(pool: WirePool, topic: TopicName, removals: readonly Removal[]): Promise<number> {
    const name = this.#names.topic(topic)
    const answers = await pool.send(deleteRecordsCall(name, removals)).catch((cause: unknown) => {
      throw asLogError(cause, `records of ${name} were not removed`)
    })
    let offsets = 0
    for (const { partition, code, start } of answers) {
      const key = keyOf({ topic, partition })
      if (code === 0) {
        offsets += Number(start - (this.#starts.get(key) ?? 0n))
        this.#starts.set(key, start)
      } else if (code === kafkaErrors.TOPIC_AUTHORIZATION_FAILED) {
        if (!this.#refused.has(topic)) {
          this.#onRefused(`records of ${name} stay, because this login may not delete them`)
        }
        this.#refused.add(topic)
      } else {
        await this.#cluster.refreshMetadata()
      }
    }
    return offsets
  }

  async #leaderOf({ topic, partition }: Place): Promise<WirePool> {
    try {
      const leader = await leaderOf(this.#cluster, this.#names.topic(topic), partition)
      return leader.connectionPool
    } catch (cause) {
      throw asLogError(cause, `records of ${topic} were not removed`)
    }
  }

  async #unreadSince(
    partition: number,
    committed: bigint | undefined,
  ): Promise<number | undefined> {
    const place = { topic: 'ledger.commands', partition } as const
    const from = committed ?? (await this.#log.start(place))
    const known = this.#oldest.get(partition)
    if (known !== undefined && known.from <= from && from <= known.offset) return known.appendedAt
    const first = await this.#firstAt(place, from)
    if (first === undefined) return undefined
    const { offset, appendedAt } = first
    this.#oldest.set(partition, { from, offset, appendedAt })
    return appendedAt
  }

  async #firstAt(place: Place, from: bigint): Promise<Omit<Oldest, 'from'> | undefined> {
    try {
      return (await this.#log.read(place, from, { records: 1, bytes: 1 })).records[0]
    } catch (error) {
      if (!(error instanceof SaldoError) || error.code !== 'SALDO_RECORDS_REMOVED') throw error
      return await this.#firstAt(place, await this.#log.start(place))
    }
  }
}

type Oldest = { readonly from: bigint; readonly offset: bigint; readonly appendedAt: number }

/** 0 of none: what nobody reads, nobody has passed. */
function least(offsets: readonly bigint[]): bigint {
  return (
    offsets.reduce<bigint | undefined>(
      (min, offset) => (min === undefined || offset < min ? offset : min),
      undefined,
    ) ?? 0n
  )
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`
}
