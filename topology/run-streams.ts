/**
 * The loop of the streams for one partition: from topic to topics, exactly once.
 *
 * Invariant: the records that follow from a batch of events and the offset behind it are one commit of the log. Each
 * follows from its event alone, so whatever is not committed is made again as it was, and nothing is kept in between.
 */
import { SaldoError } from '../schemas/errors.ts'
import type { BatchLimit, GroupPlace, Lease, Log, NewRecord } from './log/log.ts'
import { decodeEvent } from './restore.ts'
import { expenseEvents } from './streams/expense-events.ts'
import type { Stream } from './streams/stream.ts'
import { transactionsCategorized } from './streams/transactions-categorized.ts'
import { transactionsCreated } from './streams/transactions-created.ts'

/**
 * Name of the consumer group; offsets are kept under it for ever. One for all streams, so that events are read and
 * decoded once: a stream that is added begins where the group is.
 */
export const STREAM_GROUP = 'saldo.streams'

export const streams: readonly Stream[] = [
  transactionsCreated,
  transactionsCategorized,
  expenseEvents,
]

export type StreamDeps = {
  readonly log: Log
  readonly streams: readonly Stream[]
  readonly limit: BatchLimit
  readonly observe: StreamObserver
}

export type StreamObserver = {
  committed(
    partition: number,
    batch: {
      readonly events: number
      readonly records: readonly NewRecord[]
      readonly next: bigint
      readonly end: bigint
    },
  ): void
}

/** Owns the partition until `stop` fires or the lease is lost. Rejects when the partition cannot go on. */
export async function runStreams(
  partition: number,
  deps: StreamDeps,
  stop: AbortSignal,
): Promise<void> {
  const place: GroupPlace = { group: STREAM_GROUP, topic: 'ledger.events', partition }
  const lease = await deps.log.acquire(place)
  try {
    await own(lease, deps, stop)
  } finally {
    await lease.release()
  }
}

async function own(lease: Lease, deps: StreamDeps, stop: AbortSignal): Promise<void> {
  const { log, observe } = deps
  const { place } = lease
  const over = AbortSignal.any([stop, lease.lost])
  let position = await beginning(lease, deps)
  let ahead: Promise<Batch> | undefined = readAhead(place, position, deps)
  try {
    while (!over.aborted) {
      if (ahead === undefined) {
        // Behind what was read to the end there is nothing to ask for until something comes.
        await log.arrival(place, position, over)
        ahead = readAhead(place, position, deps)
        continue
      }
      const batch: Batch = await ahead
      const { events, records, next, end } = batch
      // The next batch is read and mapped while this one commits.
      ahead = events > 0 && next < end ? readAhead(place, next, deps) : undefined
      ahead?.catch(() => undefined)
      // Offsets jump: with the old position there would always be something to wait for.
      position = next
      if (events === 0) continue
      await lease.commit(records, next)
      observe.committed(place.partition, batch)
    }
  } finally {
    await ahead?.catch(() => undefined)
  }
}

/** Where the group stands; from the first event where nothing was ever written. */
async function beginning({ place, committed }: Lease, { log, streams }: StreamDeps) {
  const { partition } = place
  if (committed === undefined) {
    for (const { topic } of streams) {
      const written = { topic, partition }
      const first = await log.read(written, await log.start(written), { records: 1, bytes: 1 })
      if (first.records.length === 0) continue
      throw new SaldoError(
        'SALDO_OFFSET_LOST',
        `${topic} partition ${partition} has records, and the group ${place.group} has no offset: the log lost it`,
      )
    }
    return 0n
  }
  const end = await log.end(place)
  if (committed <= end) return committed
  throw new SaldoError(
    'SALDO_LOG_MISMATCH',
    `${place.group} is ahead of the log in partition ${partition} (${committed} > ${end}): bring the log back that it has read`,
  )
}

type Batch = Parameters<StreamObserver['committed']>[1]

async function readAhead(
  { topic, partition }: GroupPlace,
  position: bigint,
  { log, streams, limit }: StreamDeps,
): Promise<Batch> {
  const stored = await log.read({ topic, partition }, position, limit)
  const records: NewRecord[] = []
  for (const record of stored.records) {
    const event = decodeEvent(record, partition)
    for (const { topic: target, valueOf } of streams) {
      const value = valueOf(event)
      if (value !== undefined) records.push({ topic: target, partition, key: record.key, value })
    }
  }
  return { events: stored.records.length, records, next: stored.next, end: stored.end }
}
