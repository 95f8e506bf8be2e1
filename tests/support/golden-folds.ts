/** Histories that were written once, and the states that they fold into: `tests/fixtures/folds`. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { StateType } from '../../actors/ledger.ts'
import { LedgerStates, type Cell } from '../../actors/ledger-states.ts'
import { openEvent } from '../../privacy/personal.ts'
import { eventCodec, stateCodecs, type Codec } from '../../schemas/codec.ts'
import { eventHash } from '../../topology/sealer.ts'
import { memoryKeys } from './memory-keys.ts'

export type GoldenState = {
  readonly type: StateType
  readonly id: string
  readonly sequence: number
  readonly version: number
  /** The state as a checkpoint of its time holds it. */
  readonly hex: string
}

export type GoldenFold = {
  /** Of the evolve that made the states. */
  readonly generation: number
  /** As the log holds them, sealed with the test key of their user. Never edited. */
  readonly events: readonly string[]
  readonly states: readonly GoldenState[]
}

export const GOLDEN_FOLDS = path.join(import.meta.dirname, '../fixtures/folds')

export function goldenFolds(): readonly (readonly [file: string, fold: GoldenFold])[] {
  return readdirSync(GOLDEN_FOLDS)
    .sort()
    .map((file) => {
      const text = readFileSync(path.join(GOLDEN_FOLDS, file), 'utf8')
      return [file, JSON.parse(text) as GoldenFold] as const
    })
}

/** The states that events of one ledger fold into now, in a fixed order. */
export async function foldedNow(events: readonly string[]): Promise<readonly GoldenState[]> {
  const values = events.map((hex) => Buffer.from(hex, 'hex'))
  const decoded = values.map((value) => ({ value, event: eventCodec.decode(value) }))
  const userId = decoded[0]?.event.userId ?? ''
  const key = (await memoryKeys().keysOf([userId])).get(userId)
  const ledger = new LedgerStates(userId)
  for (const { value, event } of decoded) ledger.fold(openEvent(key, event), eventHash(value))
  const cells: readonly Cell[] = [
    ledger.root,
    ledger.profile,
    ...ledger.accounts.values(),
    ...ledger.categories.values(),
    ...ledger.transactions.values(),
  ]
  return cells
    .map(({ type, id, held }) => {
      const codec = stateCodecs[type] as Codec<unknown>
      const hex = codec.encode(held.state).toString('hex')
      return { type, id, sequence: held.sequence, version: held.version, hex }
    })
    .toSorted((a, b) => (a.type + a.id < b.type + b.id ? -1 : 1))
}

/** What a state says, whichever version wrote it: fields that were added since have their defaults. */
export function readable({ hex, ...state }: GoldenState): unknown {
  return { ...state, state: stateCodecs[state.type].decode(Buffer.from(hex, 'hex')) }
}
