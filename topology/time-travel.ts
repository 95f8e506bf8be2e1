/** One user's history, read from the log: the truth that every table and checkpoint is made from. */
import { LedgerStates } from '../actors/ledger-states.ts'
import { openEvent } from '../privacy/personal.ts'
import type { OpenedEvent } from '../schemas/opened-event.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { Log, Place } from './log/log.ts'
import { decodeEvent } from './restore.ts'
import { eventHash } from './sealer.ts'
import type { ReaderKeys } from './table-reader.ts'

export type History = {
  readonly log: Log
  readonly keys: ReaderKeys
  readonly partitions: number
  readonly userId: string
}

const SLICE = { records: 5_000, bytes: 4 << 20 } as const

/** The states of a ledger after its event with this sequence, or after its last; undefined when it has no events. */
export async function stateAt(
  history: History & { readonly sequence?: number },
): Promise<LedgerStates | undefined> {
  const { userId, sequence = Number.POSITIVE_INFINITY } = history
  let states: LedgerStates | undefined
  for await (const { event, value } of sealedAndOpened(history)) {
    if (event.sequence > sequence) break
    states ??= new LedgerStates(userId)
    states.fold(event, eventHash(value))
  }
  return states
}

/** The events of a ledger in order, up to the end of the log at the time of the call. */
export async function* eventsOf(history: History): AsyncGenerator<OpenedEvent> {
  for await (const { event } of sealedAndOpened(history)) yield event
}

async function* sealedAndOpened({
  log,
  keys,
  partitions,
  userId,
}: History): AsyncGenerator<{ readonly event: OpenedEvent; readonly value: Buffer }> {
  const key = Buffer.from(userId)
  const place: Place = { topic: 'ledger.events', partition: partitionOf(key, partitions) }
  const subjectKey = (await keys.existingKeysOf([userId])).get(userId)
  const end = await log.end(place)
  for (let position = 0n; position < end;) {
    const { records, next } = await log.read(place, position, SLICE)
    for (const record of records) {
      // Most records are of others: comparing keys is all that they cost.
      if (record.offset >= end || !record.key.equals(key)) continue
      const event = openEvent(subjectKey, decodeEvent(record, place.partition))
      yield { event, value: record.value }
    }
    position = next
  }
}
