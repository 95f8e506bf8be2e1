/** States ↔ checkpoint rows: encoded, and sealed with the subject's key in the place they belong to. */
import type { LoadedState } from '../actors/host/host.ts'
import type { StateType } from '../actors/ledger.ts'
import type { Held } from '../actors/ledger-states.ts'
import { open, seal } from '../privacy/seal.ts'
import type { SubjectKey } from '../privacy/subject-key.ts'
import { schemaIdOf, stateCodecs, type Codec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { CheckpointRow } from '../sink/checkpoint-store.ts'

export function toCheckpointRow(
  key: SubjectKey,
  userId: string,
  stateType: StateType,
  stateId: string,
  held: Held,
): CheckpointRow {
  const { sequence, version } = held
  const codec = stateCodecs[stateType] as Codec<unknown>
  const place = placeOf({ userId, stateType, stateId, sequence })
  return {
    userId,
    stateType,
    stateId,
    sequence,
    version,
    state: seal(key.sealing, codec.encode(held.state), place),
  }
}

export function fromCheckpointRow(key: SubjectKey, row: CheckpointRow): LoadedState {
  const codec = stateCodecs[row.stateType as StateType] as Codec<unknown> | undefined
  if (codec === undefined) throw unreadable(row, `unknown state type ${row.stateType}`)
  try {
    const bytes = open(key.sealing, row.state, placeOf(row))
    if (schemaIdOf(bytes) > codec.newestId) throw newer(row, schemaIdOf(bytes))
    const state = codec.decode(bytes)
    const held = { state, sequence: row.sequence, version: row.version }
    return { type: row.stateType, id: row.stateId, held } as LoadedState
  } catch (cause) {
    if (cause instanceof SaldoError && cause.code === 'SALDO_RELEASE_OUTDATED') throw cause
    throw unreadable(row, 'it does not open', cause)
  }
}

/** A state opens only in the place that it was stored for. */
export function placeOf(row: {
  userId: string
  stateType: string
  stateId: string
  sequence: number
}): string {
  return `${row.userId}|state|${row.stateType}|${row.stateId}|${row.sequence}`
}

/** Ids of the versions of one schema are counted up. */
function newer({ stateType }: CheckpointRow, schemaId: number): SaldoError {
  return new SaldoError(
    'SALDO_RELEASE_OUTDATED',
    `the checkpoint of a ${stateType} has schema id ${schemaId}, which this release does not know: run the release that wrote it, or a newer one`,
  )
}

function unreadable(row: CheckpointRow, problem: string, cause?: unknown): SaldoError {
  return new SaldoError(
    'SALDO_EVENT_UNREADABLE',
    `the checkpoint of a ${row.stateType} is not readable: ${problem}`,
    { retryable: false, cause },
  )
}
