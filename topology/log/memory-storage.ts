/** What the log in memory keeps, across all of its instances. */
import { SaldoError } from '../../schemas/errors.ts'
import { topics } from '../../schemas/topics.ts'
import type { BatchLimit, GroupPlace, NewRecord, Place, Slice, StoredRecord } from './log.ts'

export type Stored = { readonly records: StoredRecord[]; start: bigint; end: bigint }
export type Group = {
  epoch: bigint
  committed: bigint | undefined
  owner: AbortController | undefined
}

/** What survives every process. All methods are synchronous: each is one atomic step. */
export class Storage {
  readonly partitions: number
  readonly identity: string
  readonly waiting = new Set<() => void>()
  readonly #places = new Map<string, Stored>()
  readonly #groups = new Map<string, Group>()
  readonly #producers = new Map<number, number>()
  #random: number
  #producerCount = 0

  constructor(partitions: number, seed: number) {
    this.partitions = partitions
    this.#random = seed >>> 0
    this.identity = identityOf(seed)
  }

  stored({ topic, partition }: Place): Stored {
    if (!(topic in topics) || !(partition >= 0 && partition < this.partitions)) {
      throw new SaldoError('SALDO_LOG_MISMATCH', `${topic} has no partition ${partition}`)
    }
    const key = `${topic}/${partition}`
    const stored = this.#places.get(key) ?? { records: [], start: 0n, end: 0n }
    this.#places.set(key, stored)
    return stored
  }

  group({ group, topic, partition }: GroupPlace): Group {
    const key = `${group}/${topic}/${partition}`
    const known = this.#groups.get(key) ?? { epoch: 0n, committed: undefined, owner: undefined }
    this.#groups.set(key, known)
    return known
  }

  newProducer(): number {
    return ++this.#producerCount
  }

  appendOnce(producer: number, number: number, records: readonly NewRecord[], now: number): void {
    if ((this.#producers.get(producer) ?? 0) >= number) return
    this.write(records, now)
    this.#producers.set(producer, number)
  }

  write(records: readonly NewRecord[], now: number): void {
    const touched = new Set(records.map((record) => this.stored(record)))
    for (const record of records) {
      const stored = this.stored(record)
      const { key, value } = record
      stored.records.push({
        offset: stored.end++,
        key: Buffer.from(key),
        value: Buffer.from(value),
        appendedAt: now,
      })
    }
    for (const stored of touched) stored.end += this.#gap()
    this.wake()
  }

  /** An aborted batch: its offsets are gone, its records were never there. */
  abort(records: readonly NewRecord[]): void {
    for (const record of records) this.stored(record).end++
    this.wake()
  }

  wake(): void {
    for (const resolve of this.waiting) resolve()
  }

  /** As the control records of a transaction: none, or a few. */
  #gap(): bigint {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    return BigInt(Math.max(0, (this.#random >>> 29) - 4))
  }
}

export function sliceOf({ records, end }: Stored, offset: bigint, limit: BatchLimit): Slice {
  const taken: StoredRecord[] = []
  let bytes = 0
  for (let index = firstAt(records, offset); taken.length < limit.records; index++) {
    const record = records[index]
    if (record === undefined) return { records: taken, next: end > offset ? end : offset, end }
    bytes += record.value.length
    if (taken.length > 0 && bytes > limit.bytes) break
    taken.push(record)
  }
  const last = taken.at(-1)
  return { records: taken, next: last === undefined ? offset : last.offset + 1n, end }
}

/** Index of the first record at or after an offset. */
export function firstAt(records: readonly StoredRecord[], offset: bigint): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle]?.offset ?? 0n) < offset) low = middle + 1
    else high = middle
  }
  return low
}

function identityOf(seed: number): string {
  return `00000000-0000-4000-8000-${(seed >>> 0).toString(16).padStart(12, '0')}`
}
