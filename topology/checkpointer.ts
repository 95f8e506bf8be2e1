/**
 * Saves changed states of one partition beside the loop.
 *
 * Invariant: the progress row passes an event only when every state that the event folds into is stored at that event
 * or later. So a checkpoint is cut between two commits, holds every state changed since the one before, and the next
 * one is cut only after it is stored.
 */
import { LedgerStates, type Cell, type Held } from '../actors/ledger-states.ts'
import { SaldoError } from '../schemas/errors.ts'
import type {
  CheckpointProgress,
  CheckpointRow,
  CheckpointStore,
} from '../sink/checkpoint-store.ts'
import type { Keys } from './ledger-loader.ts'
import { toCheckpointRow } from './state-codec.ts'

export type CheckpointPace = {
  readonly everyMs: number
  readonly changedStates: number
  /** Reading commands pauses above it. */
  readonly changedStatesMax: number
  /** The same by size, for states that are large; no limit without. What counts is bytes of the events that were folded. */
  readonly changedBytes?: number
  readonly changedBytesMax?: number
}

/** A state that a batch changed, as it is at the end of that batch. */
export type ChangedState = { readonly userId: string; readonly cell: Cell; readonly held: Held }

/** Where a checkpoint was cut; the last event before `eventsOffset`, where one is known. */
type Cut = {
  readonly eventsOffset: bigint
  readonly commandsOffset: bigint
  readonly lastEventId: string | undefined
}

// Sealing thousands of states at once would hold up the batches in between.
const ROWS_PER_SLICE = 256
/** An owner whose last look found nothing to store, and to whom nothing came since, looks that much less often. */
const TIMES_AT_REST = 5
/** Holding the loop up as soon as the next one is due would cost a quarter of the throughput on two cores. */
const INTERVALS_MAX = 5

export class Checkpointer {
  readonly #partition: number
  readonly #epoch: bigint
  readonly #store: CheckpointStore
  readonly #keys: Keys
  readonly #pace: CheckpointPace
  readonly #now: () => number
  #changed = new Map<Cell, ChangedState>()
  /**
   * What a state grows by came in an event, so the events that are not checkpointed measure what is changed without
   * encoding anything. A state that changes often is counted too high: its checkpoint comes sooner than it must.
   */
  #changedBytes = 0
  #savedOffset: bigint
  #savedCommands: bigint | undefined
  #lastCut: number
  #isAtRest = false
  #saving: Promise<void> | undefined
  #failure: unknown

  constructor(options: {
    readonly partition: number
    readonly progress: CheckpointProgress
    readonly store: CheckpointStore
    readonly keys: Keys
    readonly pace: CheckpointPace
    readonly now: () => number
  }) {
    this.#partition = options.partition
    this.#epoch = options.progress.epoch
    this.#savedOffset = options.progress.eventsOffset
    this.#savedCommands = options.progress.commandsOffset
    this.#store = options.store
    this.#keys = options.keys
    this.#pace = options.pace
    this.#now = options.now
    this.#lastCut = options.now()
  }

  /** Takes what a committed batch changed, or what a restore folded. */
  add(changes: readonly ChangedState[], eventBytes: number): void {
    this.#isAtRest = false
    this.#changedBytes += eventBytes
    for (const change of changes) this.#changed.set(change.cell, change)
  }

  /** The group's offset in the commands that the last stored checkpoint was cut at. */
  get savedCommands(): bigint | undefined {
    return this.#savedCommands
  }

  get isFull(): boolean {
    const { changedStatesMax, changedBytesMax = Infinity } = this.#pace
    return this.#changed.size >= changedStatesMax || this.#changedBytes >= changedBytesMax
  }

  /** As many changes as a checkpoint should hold: a restore that goes on stores them first. */
  get isLong(): boolean {
    const { changedStates, changedBytes = Infinity } = this.#pace
    return this.#changed.size >= changedStates || this.#changedBytes >= changedBytes
  }

  /** Time for a checkpoint: enough changed, or something changed long enough ago, and the one before is stored. */
  get isDue(): boolean {
    if (this.#saving !== undefined) return false
    const everyMs = this.#pace.everyMs * (this.#isAtRest ? TIMES_AT_REST : 1)
    return this.isLong || this.#now() - this.#lastCut >= everyMs
  }

  /**
   * The one on its way takes far too long: a loop that decides all the time leaves it few turns, and what a crash would
   * leave to be folded again grows.
   */
  get isLate(): boolean {
    const lateAfterMs = this.#pace.everyMs * INTERVALS_MAX
    return this.#saving !== undefined && this.#now() - this.#lastCut > lateAfterMs
  }

  /** What is stored stands at other offsets. */
  isBehind(eventsOffset: bigint, commandsOffset: bigint): boolean {
    return eventsOffset !== this.#savedOffset || commandsOffset !== this.#savedCommands
  }

  /** Throws what made a save in the background fail. Call at every turn of the loop. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Cuts at a commit boundary: offsets after the last commit, and no commit on its way. Saves in the background. */
  cut(eventsOffset: bigint, commandsOffset: bigint, lastEventId: string | undefined): void {
    this.check()
    this.#lastCut = this.#now()
    this.#isAtRest = !this.isBehind(eventsOffset, commandsOffset)
    if (this.#isAtRest) return
    const changed = [...this.#changed.values()]
    this.#changed = new Map()
    this.#changedBytes = 0
    this.#saving = this.#save(changed, { eventsOffset, commandsOffset, lastEventId })
      .catch((error: unknown) => {
        this.#failure = error
      })
      .finally(() => {
        this.#saving = undefined
      })
  }

  /** Waits for the save on its way, if any. */
  async settled(): Promise<void> {
    await this.#saving
    this.check()
  }

  async #save(
    changed: readonly ChangedState[],
    { eventsOffset, commandsOffset, lastEventId }: Cut,
  ): Promise<void> {
    const rows: CheckpointRow[] = []
    for (const [index, { userId, cell, held }] of changed.entries()) {
      const key = this.#keys.cached(userId) ?? (await this.#keys.keysOf([userId])).get(userId)
      // What belongs to an erased ledger is not stored again.
      if (key !== undefined && key !== 'shredded') {
        rows.push(toCheckpointRow(key, userId, cell.type, cell.id, held))
      }
      if (index % ROWS_PER_SLICE === ROWS_PER_SLICE - 1) await nextTurn()
    }
    const answer = await this.#store.save({
      partition: this.#partition,
      epoch: this.#epoch,
      fromEventsOffset: this.#savedOffset,
      toEventsOffset: eventsOffset,
      commandsOffset,
      lastEventId,
      rows,
    })
    if (answer === 'fenced') {
      throw new SaldoError(
        'SALDO_LEASE_FENCED',
        `the checkpoints of partition ${this.#partition} have a newer owner`,
        {
          retryable: true,
        },
      )
    }
    this.#savedOffset = eventsOffset
    this.#savedCommands = commandsOffset
    for (const { cell, held } of changed) cell.savedSequence = held.sequence
  }
}

/** The states of a ledger that a fold touched, each once, as they are now. */
export function changedStates(
  ledger: LedgerStates,
  cells: Iterable<Cell>,
): readonly ChangedState[] {
  return Array.from(new Set(cells), (cell) => ({ userId: ledger.userId, cell, held: cell.held }))
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
