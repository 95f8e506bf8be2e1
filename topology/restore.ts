/**
 * Brings an owner's memory to the committed end of the events: what the checkpoint lacks is read from the log, folded,
 * and marked changed, so that the first checkpoint of this owner holds the whole tail.
 */
import type { LedgerHost } from '../actors/host/host.ts'
import { foldsInto } from '../actors/ledger.ts'
import { openPersonal } from '../privacy/personal.ts'
import { eventCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { LedgerEvent } from '../schemas/types.ts'
import type { CheckpointStore } from '../sink/checkpoint-store.ts'
import { changedStates, type ChangedState, type Checkpointer } from './checkpointer.ts'
import { loadMissing, type Keys } from './ledger-loader.ts'
import type { BatchLimit, Log, StoredRecord } from './log/log.ts'
import { eventHash } from './sealer.ts'

type Tail = {
  readonly log: Log
  readonly partition: number
  readonly from: bigint
  /** Committed end of the events. */
  readonly end: bigint
  readonly host: LedgerHost
  readonly store: CheckpointStore
  readonly keys: Keys
  readonly checkpointer: Checkpointer
  readonly limit: BatchLimit
  /** The group's offset in the commands, for checkpoints that are cut on the way. */
  readonly commandsOffset: bigint
  /** States kept in memory; stored ones above it leave. */
  readonly cellsMax: number
  readonly onProgress: (progress: RestoreProgress) => void
}

export type RestoreProgress = {
  /** Offset of the first event that was not in the checkpoint. */
  readonly from: bigint
  readonly position: bigint
  readonly end: bigint
}

/** Folds the tail; says how many events that were, and the last one. */
export async function restore(
  tail: Tail,
): Promise<{ readonly folded: number; readonly lastEventId: string | undefined }> {
  const place = { topic: 'ledger.events', partition: tail.partition } as const
  const { from, end } = tail
  let position = from
  let folded = 0
  let lastEventId: string | undefined
  while (position < end) {
    const slice = await tail.log.read(place, position, tail.limit)
    lastEventId = (await foldSlice(tail, slice.records)) ?? lastEventId
    folded += slice.records.length
    position = slice.next
    tail.onProgress({ from, position, end })
    if (position < end) await storeOnTheWay(tail, position, lastEventId)
  }
  return { folded, lastEventId }
}

/** A tail is a few seconds long, but all there is when a generation is built: what is folded is stored and let go. */
async function storeOnTheWay(
  { checkpointer, commandsOffset, host, cellsMax }: Tail,
  position: bigint,
  lastEventId: string | undefined,
): Promise<void> {
  checkpointer.check()
  if (!checkpointer.isLong) return
  await checkpointer.settled()
  checkpointer.cut(position, commandsOffset, lastEventId)
  await checkpointer.settled()
  host.evict(cellsMax)
}

/** Returns the id of the last event, readable or not. */
async function foldSlice(
  tail: Tail,
  records: readonly StoredRecord[],
): Promise<string | undefined> {
  const events = records.map((record) => ({
    event: decodeEvent(record, tail.partition),
    value: record.value,
  }))
  const users = [...new Set(events.map(({ event }) => event.userId))]
  const keys = await tail.keys.keysOf(users)
  const readable = events.filter(({ event }) => keys.get(event.userId) !== 'shredded')
  await loadMissing(
    tail.host,
    {
      ledgers: users.filter((userId) => tail.host.ledger(userId) === undefined),
      transactions: transactionsOf(
        tail.host,
        readable.map(({ event }) => event),
      ),
    },
    tail.store,
    tail.keys,
  )
  const changes: ChangedState[] = []
  for (const { event, value } of readable) {
    const ledger = tail.host.ledger(event.userId)
    if (ledger === undefined) throw new Error('an event of a ledger that was not loaded')
    const opened = { ...event, personal: openPersonal(keys.get(event.userId), event) }
    const folded = ledger.fold(opened, eventHash(value))
    changes.push(
      ...changedStates(
        ledger,
        folded.map(({ cell }) => cell),
      ),
    )
  }
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0)
  tail.checkpointer.add(changes, bytes)
  return events.at(-1)?.event.eventId
}

/** An event that does not decode stops its reader: skipping it would make every total after it wrong. */
export function decodeEvent(record: StoredRecord, partition: number): LedgerEvent {
  try {
    return eventCodec.decode(record.value)
  } catch (cause) {
    throw new SaldoError(
      'SALDO_EVENT_UNREADABLE',
      `the event at partition ${partition} offset ${record.offset} is not readable: ${messageOf(cause)}`,
      { retryable: false, cause },
    )
  }
}

function transactionsOf(
  host: LedgerHost,
  events: readonly LedgerEvent[],
): readonly { readonly userId: string; readonly transactionId: string }[] {
  const wanted = new Map<string, { userId: string; transactionId: string }>()
  for (const { userId, body } of events) {
    for (const { type, id } of foldsInto(body)) {
      if (type !== 'transaction' || host.ledger(userId)?.has({ type, id })) continue
      wanted.set(`${userId}/${id}`, { userId, transactionId: id })
    }
  }
  return [...wanted.values()]
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
