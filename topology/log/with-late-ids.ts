/**
 * A log that lets commands wait whose schema id nobody knows yet: a newer producer may have registered it, and a
 * registry that is away is no fault of the command.
 *
 * Invariant: a record leaves with our id, or with one of which the registry said that it is none of ours.
 */
import { setTimeout as pauseFor } from 'node:timers/promises'
import { OWN_IDS_FROM, schemaIdOf } from '../../schemas/codec.ts'
import type { LateIds } from '../../schemas/late-ids.ts'
import type { Log, Place, StoredRecord } from './log.ts'

/** Told when a partition begins to wait, and with undefined when it goes on or is left. */
export type WaitObserver = (
  partition: number,
  waits: { readonly offset: bigint } | undefined,
) => void

/** The loop looks after its checkpoints between two of them. */
const POLL_MS = 1000

type Wait = { readonly offset: bigint; readonly end: bigint; readonly over: AbortController }

export function withLateIds(log: Log, ids: LateIds, observe: WaitObserver): Log {
  const waits = new Map<number, Wait>()
  const waitAt = (place: Place, offset: bigint): Wait | undefined => {
    const wait = place.topic === 'ledger.commands' ? waits.get(place.partition) : undefined
    return wait?.offset === offset && !wait.over.signal.aborted ? wait : undefined
  }
  const goOn = (partition: number): void => {
    if (waits.delete(partition)) observe(partition, undefined)
  }
  return {
    ...log,
    async acquire(place) {
      goOn(place.partition)
      const lease = await log.acquire(place)
      return {
        ...lease,
        release() {
          goOn(place.partition)
          return lease.release()
        },
      }
    },
    async read(place, offset, limit) {
      const wait = waitAt(place, offset)
      if (wait !== undefined) return { records: [], next: offset, end: wait.end }
      const slice = await log.read(place, offset, limit)
      if (place.topic !== 'ledger.commands') return slice
      const open = slice.records.filter((record) => isOpen(record, ids))
      const [first] = open
      if (first === undefined) {
        goOn(place.partition)
        return { ...slice, records: slice.records.map((record) => known(record, ids)) }
      }
      const over = new AbortController()
      waits.set(place.partition, { offset: first.offset, end: slice.end, over })
      observe(place.partition, first)
      const end = (): void => over.abort()
      ids.ask([...new Set(open.map(({ value }) => schemaIdOf(value)))]).then(end, end)
      const before = slice.records.slice(0, slice.records.indexOf(first))
      return {
        records: before.map((record) => known(record, ids)),
        next: first.offset,
        end: slice.end,
      }
    },
    async arrival(place, offset, signal) {
      const wait = waitAt(place, offset)
      if (wait === undefined) return await log.arrival(place, offset, signal)
      const either = AbortSignal.any([signal, wait.over.signal])
      await pauseFor(POLL_MS, undefined, { signal: either }).catch(() => undefined)
    },
    async close() {
      ids.close()
      await log.close()
    },
  }
}

function isOpen({ value }: StoredRecord, ids: LateIds): boolean {
  const id = schemaIdOf(value)
  return id > 0 && id < OWN_IDS_FROM && ids.meaning(id) === undefined
}

function known(record: StoredRecord, ids: LateIds): StoredRecord {
  const meaning = ids.meaning(schemaIdOf(record.value))
  if (meaning === undefined || meaning === 'none') return record
  const value = Buffer.from(record.value)
  value.writeInt32BE(meaning.ownId, 1)
  return { ...record, value }
}
