/** States folded from the first event on, and their comparison with the stored ones. */
import { isDeepStrictEqual } from 'node:util'
import type { LoadedState } from '../actors/host/host.ts'
import { LedgerStates, type Cell, type Held } from '../actors/ledger-states.ts'
import type { SubjectKeyOrShredded } from '../privacy/subject-key.ts'
import { stateCodecs, type Codec } from '../schemas/codec.ts'
import type { OpenedEvent } from '../schemas/opened-event.ts'
import type { CheckpointRow } from '../sink/checkpoint-store.ts'
import { eventHash } from './sealer.ts'
import { fromCheckpointRow } from './state-codec.ts'
import type { Fold, Keyed, Partition } from './verify-fold.ts'

const TABLE = 'actor_checkpoints'

export class StatesFold implements Fold<OpenedEvent> {
  position = 0n
  readonly #partition: Partition
  readonly #ledgers = new Map<string, LedgerStates>()
  readonly #refused = new Set<string>()

  constructor(partition: Partition) {
    this.#partition = partition
  }

  size(userId: string): number {
    return this.#ledgers.get(userId)?.size ?? 0
  }

  take(sources: readonly Keyed<OpenedEvent>[]): void {
    for (const { item, key, value, offset } of sources) {
      if (this.#isUnjudged(key)) continue
      let ledger = this.#ledgers.get(key)
      if (ledger === undefined) this.#ledgers.set(key, (ledger = new LedgerStates(key)))
      try {
        ledger.fold(item, eventHash(value))
      } catch {
        this.#refused.add(key)
        this.#partition.note({
          what: 'ledger.events',
          problem: 'does-not-fold',
          userId: key,
          key: { offset: String(offset), sequence: String(item.sequence) },
        })
      }
    }
  }

  /** The states of an erased ledger are sealed with a key that is gone: there is nothing to compare. */
  compare(
    userIds: Iterable<string>,
    found: readonly CheckpointRow[],
    keys: ReadonlyMap<string, SubjectKeyOrShredded>,
  ): void {
    const byUser = Map.groupBy(found, ({ userId }) => userId)
    for (const userId of userIds) {
      const key = keys.get(userId)
      if (this.#isUnjudged(userId) || key === 'shredded') continue
      const missing = this.#cellsOf(userId)
      for (const row of byUser.get(userId) ?? []) {
        const name = `${row.stateType}/${row.stateId}`
        this.#compareRow(row, missing.get(name), key)
        missing.delete(name)
      }
      for (const { type, id } of missing.values()) {
        const place = { state_type: type, state_id: id }
        this.#partition.note({ what: TABLE, problem: 'missing', userId, key: place })
      }
    }
  }

  /** Every state that an event before the progress folds into: all of them must be stored. */
  #cellsOf(userId: string): Map<string, Cell> {
    const ledger = this.#ledgers.get(userId)
    if (ledger === undefined) return new Map()
    const cells: Cell[] = [
      ledger.root,
      ledger.profile,
      ...ledger.accounts.values(),
      ...ledger.categories.values(),
      ...ledger.budgets.values(),
      ...ledger.transactions.values(),
    ]
    return new Map(
      cells
        .filter(({ held }) => held.sequence > 0)
        .map((cell) => [`${cell.type}/${cell.id}`, cell]),
    )
  }

  #compareRow(
    row: CheckpointRow,
    cell: Cell | undefined,
    key: Exclude<SubjectKeyOrShredded, 'shredded'> | undefined,
  ): void {
    const { note } = this.#partition
    const { userId, stateType, stateId } = row
    const place = { what: TABLE, userId, key: { state_type: stateType, state_id: stateId } }
    if (cell === undefined) return note({ ...place, problem: 'extra' })
    let loaded: LoadedState
    try {
      if (key === undefined) throw new Error('no key')
      loaded = fromCheckpointRow(key, row)
    } catch {
      return note({ ...place, problem: 'not-readable', columns: ['state'] })
    }
    const folded = asStored(cell)
    if (isDeepStrictEqual(folded, loaded.held)) return
    const expected = fieldsOf(folded)
    const stored = fieldsOf(loaded.held)
    const columns = [...new Set([...Object.keys(expected), ...Object.keys(stored)])].filter(
      (field) => !isDeepStrictEqual(expected[field], stored[field]),
    )
    note({
      ...place,
      problem: 'differs',
      columns,
      expected: numbersOf(expected, columns),
      found: numbersOf(stored, columns),
    })
  }

  #isUnjudged(userId: string): boolean {
    return this.#partition.unjudged.has(userId) || this.#refused.has(userId)
  }
}

/** Through bytes and back, so that what was stored and what was folded are of the same make. */
function asStored({ type, held }: Cell): Held {
  const codec = stateCodecs[type] as Codec<unknown>
  return { ...held, state: codec.decode(codec.encode(held.state)) } as Held
}

type Fields = { readonly [field: string]: unknown }

function fieldsOf({ sequence, version, state }: Held): Fields {
  const own = Object.entries(state).map(([field, value]) => [`state.${field}`, value])
  return { sequence, version, ...Object.fromEntries(own) }
}

function numbersOf(fields: Fields, names: readonly string[]): { readonly [name: string]: string } {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = fields[name]
      return typeof value === 'number' || typeof value === 'bigint' ? [[name, String(value)]] : []
    }),
  )
}
