/**
 * How much of `ledger.parked` is done with.
 *
 * Invariant: a parked command leaves only when an event says that its ledger was parked, resumed or unparked through it,
 * or when its ledger was erased and nobody can read it any more. Through what, never goes back within a ledger, so an
 * archive of events that is behind lets less go, and what is done with stays so: each record is looked at once.
 */
import { eventCodec, parkedCommandCodec } from '../schemas/codec.ts'
import type { ParkedCommand } from '../schemas/types.ts'
import type { ClockStore, LastParking } from '../sink/clock-store.ts'
import type { Log, StoredRecord } from './log/log.ts'
import { readKept } from './parked.ts'

export class DoneWithParked {
  readonly #log: Log
  readonly #store: ClockStore
  readonly #positions: bigint[]

  constructor(log: Log, store: ClockStore) {
    this.#log = log
    this.#store = store
    this.#positions = Array.from({ length: log.partitions }, () => 0n)
  }

  /** By partition the offset of the first command that waits, as far as it was looked; a slice further at every call. */
  async readTo(): Promise<readonly bigint[]> {
    for (const [partition, position] of this.#positions.entries()) {
      const place = { topic: 'ledger.parked', partition } as const
      if (position >= (await this.#log.end(place))) continue
      const { records, next } = await readKept(this.#log, place, position)
      this.#positions[partition] = (await this.#firstWaiting(records))?.offset ?? next
    }
    return [...this.#positions]
  }

  async #firstWaiting(records: readonly StoredRecord[]): Promise<StoredRecord | undefined> {
    const users = new Set(records.map(({ key }) => key.toString()))
    const parkings = await this.#store.parkingsOf([...users])
    const through = new Map(parkings.map((one) => [one.userId, throughOf(one)]))
    return records.find((record) => {
      const parked = parkedIn(record)
      return parked === undefined || (through.get(parked.userId) ?? -1) < parked.commandOffset
    })
  }
}

function throughOf({ event, erased }: LastParking): number {
  if (erased) return Infinity
  if (event === null) return -1
  const { body } = eventCodec.decode(event)
  switch (body.type) {
    case 'LedgerParked':
    case 'LedgerResumed':
    case 'LedgerUnparked':
      return body.through
    default:
      return -1
  }
}

/** What a newer release has set aside is left to it. */
function parkedIn({ value }: StoredRecord): ParkedCommand | undefined {
  try {
    return parkedCommandCodec.decode(value)
  } catch {
    return undefined
  }
}
