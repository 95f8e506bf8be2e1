/**
 * Reads and waits at the leaders of partitions.
 *
 * Invariant: nothing behind the last stable offset is returned, and nothing committed before it is left out.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { leaderOf, type WireBroker, type WireCluster, type WirePool } from './kafka-cluster.ts'
import { asLogError, brokerCode, kafkaErrors } from './kafka-errors.ts'
import type { KafkaIdentity } from './kafka-identity.ts'
import { LeaderReads } from './kafka-leader.ts'
import type { KafkaNames } from './kafka-names.ts'
import { ReadAhead } from './kafka-read-ahead.ts'
import { recordsRemoved, type BatchLimit, type Place, type Slice } from './log.ts'

const FETCH_BYTES = { min: 64 * 1024, max: 8 * 1024 ** 2 }
const ARRIVAL_WAIT_MS = 250
/** Of one partition, at different offsets: more of them come one after the other. */
const READERS_MAX = 4
const TRIES_MAX = 20
const RETRY_PAUSE_MS = 50
const LATEST = -1
const EARLIEST = -2

export class KafkaPlaces {
  readonly #cluster: WireCluster
  readonly #names: KafkaNames
  readonly #same: Pick<KafkaIdentity, 'expect' | 'check'>
  readonly #leaders = new Map<WirePool, LeaderReads>()
  /** By partition, the one that was used last at the end. */
  readonly #readers = new Map<string, ReadAhead[]>()

  constructor(
    cluster: WireCluster,
    names: KafkaNames,
    same: Pick<KafkaIdentity, 'expect' | 'check'>,
  ) {
    this.#cluster = cluster
    this.#names = names
    this.#same = same
  }

  async read(place: Place, offset: bigint, limit: BatchLimit): Promise<Slice> {
    this.#same.expect()
    const reader = this.#readerAt(place, offset)
    reader.isBusy = true
    try {
      const isQuiet = reader.isQuiet && reader.isEmpty
      reader.isQuiet = false
      if (isQuiet) return { records: [], next: reader.at, end: reader.stable }
      return (await this.#next(place, reader, limit)) ?? (await this.#outside(place, offset))
    } finally {
      reader.isBusy = false
    }
  }

  /** Undefined when the offset is before the first record that is kept, or behind the end. */
  async #next(place: Place, reader: ReadAhead, limit: BatchLimit): Promise<Slice | undefined> {
    const bytesMax = Math.min(Math.max(limit.bytes, FETCH_BYTES.min), FETCH_BYTES.max)
    for (let tries = 1; ; tries++) {
      const records = reader.take(limit)
      const { at: next, stable: end } = reader
      if (records.length > 0) {
        for (const leader of this.#leaders.values()) {
          if (leader.isFollowing(reader)) leader.follow(reader)
        }
        return { records, next, end }
      }
      // What was there is aborted, a marker, or beyond the size of the answer: the committed records are behind it.
      if (tries > 1 && (next >= end || tries === TRIES_MAX)) return { records, next, end }
      const isInside = await this.#atLeader(place, ({ connectionPool }) =>
        this.#leaderAt(connectionPool)
          .ask(reader, bytesMax)
          .then(
            () => true,
            (error: unknown) => {
              if (brokerCode(error) === kafkaErrors.OFFSET_OUT_OF_RANGE) return false
              throw error
            },
          ),
      )
      if (!isInside) return undefined
    }
  }

  start(place: Place): Promise<bigint> {
    return this.#listOffset(place, EARLIEST)
  }

  end(place: Place): Promise<bigint> {
    return this.#listOffset(place, LATEST)
  }

  /** Never rejects: whoever waits asks the log next, which says what is wrong. */
  async arrival(place: Place, offset: bigint, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const reader = this.#readerAt(place, offset)
    if (!reader.isEmpty) return
    const over = Promise.withResolvers<void>()
    const stop = (): void => over.resolve()
    signal.addEventListener('abort', stop)
    const timer = setTimeout(() => {
      reader.isQuiet = LeaderReads.isWaitingFor(reader)
      stop()
    }, ARRIVAL_WAIT_MS)
    const { arrived } = reader
    await this.#follow(place, reader).catch(() => undefined)
    await Promise.race([arrived, over.promise])
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }

  close(): void {
    for (const leader of this.#leaders.values()) leader.close()
  }

  async #follow({ topic, partition }: Place, reader: ReadAhead): Promise<void> {
    const { connectionPool } = await leaderOf(this.#cluster, this.#names.topic(topic), partition)
    const leader = this.#leaderAt(connectionPool)
    leader.follow(reader)
  }

  #leaderAt(pool: WirePool): LeaderReads {
    const known = this.#leaders.get(pool)
    if (known !== undefined) return known
    const made = new LeaderReads(pool)
    this.#leaders.set(pool, made)
    return made
  }

  /** Two who read the same at once do not share: what one takes the other would miss. */
  #readerAt({ topic, partition }: Place, offset: bigint): ReadAhead {
    const key = `${topic}/${partition}`
    const readers = this.#readers.get(key) ?? []
    const known = readers.find(({ at, isBusy }) => at === offset && !isBusy)
    const reader = known ?? new ReadAhead({ topic: this.#names.topic(topic), partition }, offset)
    const others = readers.filter((other) => other !== reader)
    const kept = others.length < READERS_MAX ? others : others.slice(1)
    for (const other of others) if (!kept.includes(other)) other.touchedAt = -Infinity
    this.#readers.set(key, [...kept, reader])
    reader.touchedAt = performance.now()
    return reader
  }

  /** Never jumps: before the start records are lost, and behind the end there are none yet, or another topic is there. */
  async #outside(place: Place, offset: bigint): Promise<Slice> {
    await this.#same.check()
    const start = await this.start(place)
    if (offset < start) {
      throw recordsRemoved(place, offset, start)
    }
    return { records: [], next: offset, end: await this.end(place) }
  }

  async #listOffset(place: Place, timestamp: number): Promise<bigint> {
    const topic = this.#names.topic(place.topic)
    const partitions = [{ partition: place.partition, timestamp }]
    const { responses } = await this.#atLeader(place, (leader) =>
      leader.listOffsets({ replicaId: -1, isolationLevel: 1, topics: [{ topic, partitions }] }),
    )
    return BigInt(responses[0]?.partitions[0]?.offset ?? -1)
  }

  async #atLeader<Answer>(
    { topic, partition }: Place,
    ask: (leader: WireBroker) => Promise<Answer>,
  ): Promise<Answer> {
    this.#same.expect()
    for (let tries = 1; ; tries++) {
      try {
        return await ask(await leaderOf(this.#cluster, this.#names.topic(topic), partition))
      } catch (cause) {
        if (brokerCode(cause) === kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION) await this.#same.check()
        const error = asLogError(cause, `reading ${topic}/${partition}`)
        if (!(error instanceof SaldoError) || !error.retryable || tries === TRIES_MAX) throw error
        await pause(RETRY_PAUSE_MS)
        await this.#cluster.refreshMetadata().catch(() => undefined)
      }
    }
  }
}
