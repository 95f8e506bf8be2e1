/**
 * The loop of a table reader for one partition.
 *
 * Invariant: rows and progress of a batch are one SQL transaction that only the newest owner can commit, so every
 * table equals the fold of its items up to its progress row, whatever crashes when.
 */
import { SaldoError } from '../schemas/errors.ts'
import type { TableMove, TableProgress, TableStore } from '../sink/table-store.ts'
import type { Folded } from './fold-batch.ts'
import type { Told } from './fold-related.ts'
import { lastBefore } from './last-before.ts'
import type { BatchLimit, Log, Place, StoredRecord } from './log/log.ts'
import { outboxRow } from './outbox-rows.ts'
import type { Notice, Processor, Sourced } from './processors/processor.ts'
import { consumerOf, type ReaderKeys, type TableReader } from './table-reader.ts'
import { WarmFold } from './warm-fold.ts'

export type TableDeps = {
  readonly log: Log
  /** A store of its own for this owner. */
  readonly store: TableStore
  readonly keys: ReaderKeys
  readonly limit: BatchLimit
  readonly observe: TableObserver
}

export type TableObserver = {
  /** A batch is about to be folded; `oldestAt` is the log time of its first record, in milliseconds. */
  reading?(reader: string, partition: number, oldestAt: number): void
  applied(
    reader: string,
    partition: number,
    batch: {
      readonly items: number
      readonly next: bigint
      readonly end: bigint
      readonly written: readonly WrittenRows[]
    },
  ): void
  /** A processor that throws is left behind with its table as it is; the others go on. */
  detached(processor: string, partition: number, error: unknown): void
  /** Stands in the outbox. */
  told?(notice: Notice): void
}

/** Rows that were written to a table, or removed from it. */
export type WrittenRows = { readonly table: string; readonly rows: number }

type Attached<Item> = {
  readonly processor: Processor<Item>
  readonly epoch: bigint
  readonly tellsFrom: bigint
  readonly warm: WarmFold<Item>
  offset: bigint
}

type Opened<Item> = {
  readonly oldestAt: number | undefined
  readonly sources: readonly Sourced<Item>[]
  readonly next: bigint
  readonly end: bigint
}

/** Reads the partition until `stop` fires. Rejects when it cannot go on or has a newer owner. */
export async function runTables<Item>(
  reader: TableReader<Item>,
  partition: number,
  deps: TableDeps,
  stop: AbortSignal,
): Promise<void> {
  const place: Place = { topic: reader.topic, partition }
  const attached = await attach(reader, place, deps)
  let position = attached.reduce(
    (least, { offset }) => (offset < least ? offset : least),
    attached[0]?.offset ?? 0n,
  )
  let ahead: Promise<Opened<Item>> | undefined = readAhead(reader, place, position, deps)
  while (!stop.aborted) {
    if (ahead === undefined) {
      // Behind what was read to the end there is nothing to ask for until something comes.
      await deps.log.arrival(place, position, stop)
      ahead = readAhead(reader, place, position, deps)
      continue
    }
    const { oldestAt, sources, next, end }: Opened<Item> = await ahead
    // The next slice is read and opened while this one is folded and written.
    ahead = sources.length > 0 && next < end ? readAhead(reader, place, next, deps) : undefined
    ahead?.catch(() => undefined)
    if (next === position) continue
    if (oldestAt !== undefined) deps.observe.reading?.(reader.name, partition, oldestAt)
    const written = await applyBatch(reader, place, attached, sources, next, deps)
    position = next
    deps.observe.applied(reader.name, partition, { items: sources.length, next, end, written })
  }
  await ahead?.catch(() => undefined)
}

async function attach<Item>(
  reader: TableReader<Item>,
  place: Place,
  deps: TableDeps,
): Promise<Attached<Item>[]> {
  const { log, store } = deps
  const progress = await store.takeOver(
    reader.processors.map(consumerOf),
    place.partition,
    log.identity,
  )
  const end = await log.end(place)
  for (const row of progress) await checkProgress(reader, place, row, end, deps)
  return reader.processors.map((processor) => {
    const row = progress.find(({ consumer }) => consumer === consumerOf(processor))
    if (row === undefined) throw new Error('a take-over answers for every consumer')
    const { epoch, tellsFrom, offset } = row
    return { processor, epoch, tellsFrom, warm: new WarmFold(processor, store), offset }
  })
}

/** SQL may be older than the log, never newer; and what it folded last must be what the log holds there. */
async function checkProgress<Item>(
  reader: TableReader<Item>,
  place: Place,
  { consumer, offset, lastEventId }: TableProgress,
  end: bigint,
  { log, keys }: TableDeps,
): Promise<void> {
  const remedy = `rebuild the table of ${consumer}, or bring the log back that it was made from`
  if (offset > end) {
    throw new SaldoError(
      'SALDO_LOG_MISMATCH',
      `${consumer} is ahead of the log in partition ${place.partition} (${offset} > ${end}): ${remedy}`,
    )
  }
  if (lastEventId === undefined || offset === 0n) return
  // Offsets may jump: behind the last one folded is what ended its transaction.
  const last = await lastBefore(log, place, offset)
  if (last === undefined) return
  const [item] = await reader.open([last], place.partition, keys)
  if (item === undefined || reader.idOf(item) === lastEventId) return
  throw new SaldoError(
    'SALDO_LOG_MISMATCH',
    `${consumer} was made from another log: partition ${place.partition} offset ${last.offset} holds something else: ${remedy}`,
  )
}

async function readAhead<Item>(
  reader: TableReader<Item>,
  place: Place,
  position: bigint,
  { log, keys, limit }: TableDeps,
): Promise<Opened<Item>> {
  const { records, next, end } = await log.read(place, position, limit)
  const items = await reader.open(records, place.partition, keys)
  const sources = records.map((record: StoredRecord, index) => ({
    item: items[index] as Item,
    partition: place.partition,
    offset: record.offset,
    value: record.value,
  }))
  return { oldestAt: records[0]?.appendedAt, sources, next, end }
}

async function applyBatch<Item>(
  reader: TableReader<Item>,
  place: Place,
  attached: Attached<Item>[],
  sources: readonly Sourced<Item>[],
  next: bigint,
  { store, observe }: TableDeps,
): Promise<readonly WrittenRows[]> {
  const last = sources.at(-1)
  const lastEventId = last === undefined ? undefined : reader.idOf(last.item)
  const folded: { readonly one: Attached<Item>; readonly write: Folded }[] = []
  const moves: TableMove[] = []
  for (const one of attached.slice()) {
    // A processor that is further than the slowest one has folded the first of these already.
    const unseen =
      one.offset === 0n ? sources : sources.filter(({ offset }) => offset >= one.offset)
    if (next <= one.offset) continue
    try {
      const write = await one.warm.fold(unseen)
      folded.push({ one, write })
      moves.push({
        consumer: consumerOf(one.processor),
        epoch: one.epoch,
        from: one.offset,
        to: next,
        lastEventId,
      })
    } catch (error) {
      if (error instanceof SaldoError) throw error
      attached.splice(attached.indexOf(one), 1)
      observe.detached(one.processor.name, place.partition, error)
    }
  }
  if (attached.length === 0) {
    throw new SaldoError(
      'SALDO_BATCH_FAILING',
      `every processor of ${reader.name} failed in partition ${place.partition}`,
    )
  }
  const told = folded.flatMap(({ one, write }) => worthTelling(one, write))
  const writes = folded.map(({ write }) => write)
  await store.apply({
    partition: place.partition,
    moves,
    writes,
    outbox: told.map(({ processor, ...of }) => outboxRow(processor, place.partition, of)),
  })
  for (const { one, write } of folded) one.warm.applied(write)
  for (const { notice } of told) observe.told?.(notice)
  for (const one of attached) if (next > one.offset) one.offset = next
  return writes.map(({ table, rows, fresh = [], added = [], removed = [] }) => ({
    table,
    rows: rows.length + fresh.length + added.length + removed.length,
  }))
}

/** A table that is made on an old log says nothing of what happened before it was there. */
function worthTelling<Item>(
  { processor, tellsFrom }: Attached<Item>,
  { told = [] }: Folded,
): readonly (Told & { readonly processor: string })[] {
  return told
    .filter(({ offset }) => offset >= tellsFrom)
    .map((one) => ({ ...one, processor: processor.name }))
}
