/**
 * A release of the engine as one simulated process runs it. A state of another generation does not open for it; a
 * record or state of the next version of its schema does only where it is told to read them. The next version has the
 * same bytes under an id that these sources do not know.
 */
import { open, seal } from '../../privacy/seal.ts'
import {
  commandCodec,
  deadLetterCodec,
  eventCodec,
  outcomeCodec,
  parkedCommandCodec,
  schemaIdOf,
  stateCodecs,
} from '../../schemas/codec.ts'
import { SaldoError } from '../../schemas/errors.ts'
import type { CheckpointRow, CheckpointStore } from '../../sink/checkpoint-store.ts'
import type { MemoryCheckpointStore } from '../../sink/memory-checkpoint-store.ts'
import type { Lease, NewRecord } from '../../topology/log/log.ts'
import type { MemoryLog } from '../../topology/log/memory-log.ts'
import { placeOf } from '../../topology/state-codec.ts'
import type { MemoryKeys } from './memory-keys.ts'

export type Release = {
  /** Of its states: actors/generation.ts. */
  readonly generation: number
  readonly readsNext: boolean
  /** Readers before writers: a release that writes the next version of some schemas reads that of all. */
  readonly writesNext: WrittenNext
}

/** Each of them, and those before it. */
export const writtenNext = ['nothing', 'states', 'records'] as const
export type WrittenNext = (typeof writtenNext)[number]

/** What is there that an older release must refuse. */
export class Marks {
  readonly #generations = new Map<number, number>()
  hasNext = false

  generationOf(partition: number): number {
    return this.#generations.get(partition) ?? 1
  }

  takenOver(partition: number, generation: number): void {
    this.#generations.set(partition, Math.max(this.generationOf(partition), generation))
  }

  /** True where it is right that this release gives the partition up, and says why. */
  justify({ generation, readsNext }: Release, partition: number, error: unknown): boolean {
    if (!(error instanceof SaldoError)) return false
    const isBehind = this.hasNext && !readsNext
    if (error.code === 'SALDO_RELEASE_OUTDATED') {
      return isBehind || this.generationOf(partition) > generation
    }
    return isBehind && error.message.includes('of a newer release: run that one, or a newer one')
  }
}

const codecs: { readonly [topic: string]: { readonly newestId: number } } = {
  'ledger.commands': commandCodec,
  'ledger.events': eventCodec,
  'ledger.outcomes': outcomeCodec,
  'ledger.dead-letters': deadLetterCodec,
  'ledger.parked': parkedCommandCodec,
}

/** A record as the next version of its schema writes it. */
export function ofNext<R extends Pick<NewRecord, 'topic' | 'value'>>(record: R): R {
  const { topic, value } = record
  const { newestId } = codecs[topic] ?? commandCodec
  return schemaIdOf(value) === newestId ? { ...record, value: withId(value, newestId + 1) } : record
}

function ofThis(topic: string, value: Buffer): Buffer {
  const { newestId } = codecs[topic] ?? commandCodec
  return schemaIdOf(value) === newestId + 1 ? withId(value, newestId) : value
}

function withId(bytes: Buffer, id: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeInt32BE(id, 1)
  return copy
}

export function logAs({ readsNext, writesNext }: Release, log: MemoryLog, marks: Marks): MemoryLog {
  const written = (lease: Lease): Lease => ({
    ...lease,
    commit(records, nextOffset) {
      marks.hasNext = true
      return lease.commit(records.map(ofNext), nextOffset)
    },
  })
  return {
    ...log,
    async acquire(place) {
      const lease = await log.acquire(place)
      return writesNext === 'records' ? written(lease) : lease
    },
    ...(readsNext ? newestReader(log) : {}),
  }
}

/** Reads what any release wrote. */
export function newestReader(log: MemoryLog): Pick<MemoryLog, 'read' | 'committed'> {
  return {
    async read(place, offset, limit) {
      const slice = await log.read(place, offset, limit)
      const records = slice.records.map((one) => ({
        ...one,
        value: ofThis(place.topic, one.value),
      }))
      return { ...slice, records }
    },
    committed: (place) =>
      log.committed(place).map((one) => ({ ...one, value: ofThis(place.topic, one.value) })),
  }
}

export function storeAs(
  { generation, readsNext, writesNext }: Release,
  shared: MemoryCheckpointStore,
  keys: MemoryKeys,
  marks: Marks,
): CheckpointStore {
  const store = shared.ofGeneration(generation)
  const outOf = (row: CheckpointRow): CheckpointRow => {
    const stored = ofGeneration(row, generation)
    return readsNext ? withStateId(keys, stored, 1, 0) : stored
  }
  return {
    async takeOver(partition, identity) {
      const progress = await store.takeOver(partition, identity)
      marks.takenOver(partition, generation)
      return progress
    },
    save(batch) {
      if (writesNext !== 'nothing') marks.hasNext = true
      const rows = batch.rows.map((row) =>
        ofGeneration(writesNext === 'nothing' ? row : withStateId(keys, row, 0, 1), generation),
      )
      return store.save({ ...batch, rows })
    },
    load: async (wanted) => (await store.load(wanted)).map(outOf),
    close: () => store.close(),
  }
}

/** To and fro: what one generation wrote does not open for another. */
function ofGeneration(row: CheckpointRow, generation: number): CheckpointRow {
  if (generation === 1) return row
  const state = Buffer.from(row.state)
  const last = state.length - 1
  state[last] = (state[last] ?? 0) ^ (generation - 1)
  return { ...row, state }
}

/** The same state under another version of its schema, counted from the newest that is known. */
function withStateId(keys: MemoryKeys, row: CheckpointRow, from: 0 | 1, to: 0 | 1): CheckpointRow {
  const { sealing } = keys.original(row.userId)
  const bytes = openedOrNot(sealing, row)
  const { newestId } = stateCodecs[row.stateType as keyof typeof stateCodecs]
  if (bytes === undefined || schemaIdOf(bytes) !== newestId + from) return row
  return { ...row, state: seal(sealing, withId(bytes, newestId + to), placeOf(row)) }
}

function openedOrNot(key: Parameters<typeof open>[0], row: CheckpointRow): Buffer | undefined {
  try {
    return open(key, row.state, placeOf(row))
  } catch {
    // For the engine to find.
    return undefined
  }
}
