/**
 * Reads and waits at the leaders of partitions.
 *
 * Invariant: nothing behind the last stable offset is returned, and nothing committed before it is left out.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { SaldoError } from '../../schemas/errors.ts'
import { decodeBatches } from './kafka-batches.ts'
import { leaderOf, type WireBroker, type WireCluster, type WirePool } from './kafka-cluster.ts'
import { asLogError, kafkaErrors } from './kafka-errors.ts'
import { fetchFrom, type Fetched } from './kafka-fetch.ts'
import type { KafkaNames } from './kafka-names.ts'
import {
  recordsRemoved,
  type BatchLimit,
  type Place,
  type Slice,
  type StoredRecord,
} from './log.ts'

const FETCH_BYTES = { min: 64 * 1024, max: 8 * 1024 ** 2 }
const ARRIVAL_WAIT_MS = 250
const TRIES_MAX = 20
const RETRY_PAUSE_MS = 50
const LATEST = -1
const EARLIEST = -2

export class KafkaPlaces {
  readonly #cluster: WireCluster
  readonly #names: KafkaNames
  /** A request that waits holds up everything behind it on its connection, so every place waits on its own. */
  readonly #waiting = new Map<string, Promise<WirePool>>()

  constructor(cluster: WireCluster, names: KafkaNames) {
    this.#cluster = cluster
    this.#names = names
  }

  async read(place: Place, offset: bigint, limit: BatchLimit): Promise<Slice> {
    const bytesMax = Math.min(Math.max(limit.bytes, FETCH_BYTES.min), FETCH_BYTES.max)
    for (let position = offset; ;) {
      const fetched = await this.#fetch(place, position, bytesMax)
      if (fetched === undefined) return await this.#outside(place, offset)
      const { records, next } = decodeBatches(fetched.batches, fetched.aborted, position)
      const taken = within(records, limit)
      const last = taken.at(-1)
      const end = fetched.stable
      if (last !== undefined) {
        const isCut = taken.length < records.length
        return { records: taken, next: isCut ? last.offset + 1n : next, end }
      }
      if (records.length > 0 || next >= end || next === position) return { records: [], next, end }
      // What was fetched is aborted or a marker: the committed records are behind it.
      position = next
    }
  }

  start(place: Place): Promise<bigint> {
    return this.#listOffset(place, EARLIEST)
  }

  end(place: Place): Promise<bigint> {
    return this.#listOffset(place, LATEST)
  }

  async arrival(place: Place, offset: bigint, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const stopped = Promise.withResolvers<void>()
    const stop = (): void => stopped.resolve()
    signal.addEventListener('abort', stop)
    await Promise.race([this.#poll(place, offset), stopped.promise])
    signal.removeEventListener('abort', stop)
  }

  async close(): Promise<void> {
    const pools = [...this.#waiting.values()]
    this.#waiting.clear()
    await Promise.all(pools.map((pool) => pool.then((one) => one.destroy()).catch(() => undefined)))
  }

  /** Undefined when the offset is before the first record that is kept, or behind the end. */
  async #fetch(place: Place, offset: bigint, bytesMax: number): Promise<Fetched | undefined> {
    const { partition } = place
    const topic = this.#names.topic(place.topic)
    return await this.#atLeader(place, async ({ connectionPool }) => {
      const [fetched] = await fetchFrom(connectionPool, [{ topic, partition, offset, bytesMax }], 0)
      if (fetched?.errorCode === kafkaErrors.OFFSET_OUT_OF_RANGE) return undefined
      if (fetched?.errorCode === 0) return fetched
      throw new FetchRefused(fetched?.errorCode ?? -1)
    })
  }

  /** Never jumps: before the start records are lost, and behind the end there are none yet. */
  async #outside(place: Place, offset: bigint): Promise<Slice> {
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
    for (let tries = 1; ; tries++) {
      try {
        return await ask(await leaderOf(this.#cluster, this.#names.topic(topic), partition))
      } catch (cause) {
        const error = asLogError(cause, `reading ${topic}/${partition}`)
        if (!(error instanceof SaldoError) || !error.retryable || tries === TRIES_MAX) throw error
        await pause(RETRY_PAUSE_MS)
        await this.#cluster.refreshMetadata().catch(() => undefined)
      }
    }
  }

  /** Never rejects: whoever waits asks the log next, which says what is wrong. */
  async #poll(place: Place, offset: bigint): Promise<void> {
    const { partition } = place
    const topic = this.#names.topic(place.topic)
    const key = `${topic}/${partition}`
    try {
      const pool = await this.#waitingPool(key, topic, partition)
      const [fetched] = await fetchFrom(
        pool,
        [{ topic, partition, offset, bytesMax: 1 }],
        ARRIVAL_WAIT_MS,
      )
      if (fetched?.errorCode === 0) return
    } catch {
      const pool = this.#waiting.get(key)
      this.#waiting.delete(key)
      await pool?.then((one) => one.destroy()).catch(() => undefined)
    }
    await pause(ARRIVAL_WAIT_MS)
  }

  async #waitingPool(key: string, topic: string, partition: number): Promise<WirePool> {
    const known = this.#waiting.get(key)
    if (known !== undefined) return await known
    const made = leaderOf(this.#cluster, topic, partition).then(({ connectionPool: leader }) =>
      this.#cluster.connectionPoolBuilder.build({ host: leader.host, port: leader.port }),
    )
    this.#waiting.set(key, made)
    return await made
  }
}

/** A fetch answers for each partition, and an error of one is no failure of the request. */
class FetchRefused extends SaldoError {
  constructor(code: number) {
    super('SALDO_LOG_UNAVAILABLE', `a fetch was refused with ${code}`, { retryable: true })
  }
}

/** At least one record, however large, where there is one. */
function within(records: readonly StoredRecord[], limit: BatchLimit): readonly StoredRecord[] {
  let bytes = 0
  let count = 0
  for (const { value } of records) {
    bytes += value.length
    if (count === limit.records || (count > 0 && bytes > limit.bytes)) break
    count++
  }
  return records.slice(0, count)
}
