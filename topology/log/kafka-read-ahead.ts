/**
 * What was fetched of one partition and is not read yet, in front of one reader.
 *
 * Invariant: `at` … `position` is queued whole and once. What arrives for another position is dropped: two requests may
 * be on their way for the same records.
 */
import { decodeBatches, wholeBatches } from './kafka-batches.ts'
import type { KafkaPlace } from './kafka-cluster.ts'
import type { Fetched, FetchFrom } from './kafka-fetch.ts'
import type { BatchLimit, StoredRecord } from './log.ts'

/** As much as a leader sends of one partition at once; above it the partition is left out of the next request. */
const QUEUE_BYTES_MAX = 1024 ** 2

type Chunk = { readonly from: bigint; readonly next: bigint } & Pick<Fetched, 'batches' | 'aborted'>

export class ReadAhead {
  readonly place: KafkaPlace
  /** The offset that its reader asks for next. */
  at: bigint
  /** Where the next request goes on. */
  position: bigint
  /** The last stable offset as of the last answer. */
  stable = 0n
  /** A read is using it. */
  isBusy = false
  /** Since when a request that waits at the leader has it. */
  polledAt: number | undefined
  /** Nothing came while its reader waited, and the reader has not asked since. */
  isQuiet = false
  touchedAt = 0
  #chunks: Chunk[] = []
  #bytes = 0
  #records: readonly StoredRecord[] = []
  #first = 0
  #recordsNext: bigint
  #arrived = Promise.withResolvers<void>()

  constructor(place: KafkaPlace, offset: bigint) {
    this.place = place
    this.at = offset
    this.position = offset
    this.#recordsNext = offset
  }

  get isEmpty(): boolean {
    return this.at === this.position
  }

  get isFull(): boolean {
    return this.#bytes >= QUEUE_BYTES_MAX
  }

  /** Resolves when something was put in. */
  get arrived(): Promise<void> {
    return this.#arrived.promise
  }

  request(bytesMax = QUEUE_BYTES_MAX): FetchFrom {
    return { ...this.place, offset: this.position, bytesMax }
  }

  /** Takes the answer to a request that went to `from`; one that overlaps with what is here is dropped. */
  put(from: bigint, { stable, aborted, batches }: Fetched): void {
    if (stable > this.stable) this.stable = stable
    if (from !== this.position) return
    const { bytes, next } = wholeBatches(batches, from)
    if (next === from) return
    // The answer may hold many partitions, and what is queued would keep all of them.
    this.#chunks.push({ from, next, aborted, batches: Buffer.from(bytes) })
    this.#bytes += bytes.length
    this.position = next
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers<void>()
  }

  /** Lets go of what is queued. */
  forget(): void {
    this.#chunks.length = 0
    this.#bytes = 0
    this.#records = []
    this.#first = 0
    this.#recordsNext = this.at
    this.position = this.at
  }

  /** Records in front, at least one where there is one; the reader then goes on at `at`. */
  take(limit: BatchLimit): readonly StoredRecord[] {
    while (this.#first === this.#records.length) {
      this.at = this.#recordsNext
      const chunk = this.#chunks.shift()
      if (chunk === undefined) return []
      this.#bytes -= chunk.batches.length
      this.#records = decodeBatches(chunk.batches, chunk.aborted, chunk.from).records
      this.#recordsNext = chunk.next
      this.#first = 0
    }
    const taken = within(this.#records, this.#first, limit)
    this.#first += taken.length
    const following = this.#records[this.#first]
    // What follows the last record of a chunk is aborted or a marker.
    this.at = following === undefined ? this.#recordsNext : (taken.at(-1)?.offset ?? -1n) + 1n
    return taken
  }
}

/** At least one record, however large, where there is one. */
function within(
  records: readonly StoredRecord[],
  first: number,
  limit: BatchLimit,
): readonly StoredRecord[] {
  let bytes = 0
  let end = first
  for (; end < records.length && end - first < limit.records; end++) {
    bytes += records[end]?.value.length ?? 0
    if (end > first && bytes > limit.bytes) break
  }
  return records.slice(first, end)
}
