/** Folds that stand at one offset each, fed from one reading of their topic, never beyond where they are wanted. */
import { SaldoError } from '../schemas/errors.ts'
import type { Log, Place, StoredRecord } from './log/log.ts'
import type { Sourced } from './processors/processor.ts'
import type { ReaderKeys, TableReader } from './table-reader.ts'
import type { Note } from './verify-differences.ts'

/** An item of a topic with where it came from; `key` is the key of its record, a user id. */
export type Keyed<Item> = Sourced<Item> & { readonly key: string }

export type Fold<Item> = {
  /** Everything before it is folded. */
  position: bigint
  take(sources: readonly Keyed<Item>[]): void | Promise<void>
}

export type Partition = {
  readonly log: Log
  readonly keys: ReaderKeys
  readonly partition: number
  readonly note: Note
  /** Ledgers with a record that is not readable: what comes after it cannot be judged. */
  readonly unjudged: Set<string>
}

const SLICE = { records: 1_000, bytes: 1 << 20 } as const

/** Brings every fold to exactly its target, or to the end of the log where that comes first. */
export async function advance<Item>(
  partition: Partition,
  reader: TableReader<Item>,
  targets: ReadonlyMap<Fold<Item>, bigint>,
): Promise<void> {
  const place: Place = { topic: reader.topic, partition: partition.partition }
  const behind = (): [Fold<Item>, bigint][] =>
    [...targets].filter(([fold, target]) => fold.position < target)
  const start = await partition.log.start(place)
  // Only at first: what is removed while it is being read is an error, not a reason to skip.
  for (const [fold] of targets) if (fold.position === 0n) fold.position = start
  for (let moving = behind(); moving.length > 0; moving = behind()) {
    const from = least(moving.map(([fold]) => fold.position))
    const { records, next } = await partition.log.read(place, from, SLICE)
    if (next <= from) return
    const farthest = moving.reduce((most, [, target]) => (target > most ? target : most), 0n)
    const wanted = records.filter(({ offset }) => offset < farthest)
    const sources = await openAll(partition, reader, wanted)
    for (const [fold, target] of moving) {
      const unseen = sources.filter(({ offset }) => offset >= fold.position && offset < target)
      await fold.take(unseen)
      const reached = next < target ? next : target
      if (reached > fold.position) fold.position = reached
    }
  }
}

/** Like the live reader's, except that what it would stop at is a difference and the rest goes on. */
async function openAll<Item>(
  { keys, partition, note, unjudged }: Partition,
  reader: TableReader<Item>,
  records: readonly StoredRecord[],
): Promise<readonly Keyed<Item>[]> {
  const keyed = (items: readonly Item[], of: readonly StoredRecord[]): Keyed<Item>[] =>
    items.flatMap((item, index) => {
      const record = of[index]
      if (record === undefined) return []
      const { key, offset, value } = record
      return [{ item, partition, offset, value, key: key.toString() }]
    })
  try {
    return keyed(await reader.open(records, partition, keys), records)
  } catch (error) {
    if (!isAboutBytes(error)) throw error
    const sources: Keyed<Item>[] = []
    for (const record of records) {
      const userId = record.key.toString()
      try {
        sources.push(...keyed(await reader.open([record], partition, keys), [record]))
      } catch (error) {
        if (!isAboutBytes(error)) throw error
        // A record is read again for every fold that stands elsewhere: once is enough to say it.
        if (!unjudged.has(userId)) {
          const key = { offset: String(record.offset) }
          note({ what: reader.topic, problem: 'not-readable', userId, key })
        }
        unjudged.add(userId)
      }
    }
    return sources
  }
}

/** A key or a database that is not there says nothing about the record. */
function isAboutBytes(error: unknown): boolean {
  if (!(error instanceof SaldoError)) return true
  return error.code === 'SALDO_EVENT_UNREADABLE' || error.code === 'SALDO_RECORD_UNREADABLE'
}

function least(offsets: readonly bigint[]): bigint {
  return offsets.reduce((a, b) => (b < a ? b : a))
}
