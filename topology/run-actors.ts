/**
 * The actor loop of one partition: where exactly-once is made.
 *
 * Invariant: events, outcomes and the consumed offset of a batch are one commit. On any failure the states are thrown
 * away and the partition is fenced and restored again: they are a cache of the log and nothing more.
 */
import type { KeyObject } from 'node:crypto'
import { LedgerHost, type Answered, type Sharding } from '../actors/host/host.ts'
import type { PreparedCommand } from '../actors/answer.ts'
import { eventCodec, outcomeCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { CheckpointStore } from '../sink/checkpoint-store.ts'
import { checkCheckpoint } from './check-checkpoint.ts'
import { Checkpointer, type ChangedState, type CheckpointPace } from './checkpointer.ts'
import { decodeBatch } from './decode-batch.ts'
import { loadMissing, type Keys } from './ledger-loader.ts'
import type { BatchLimit, GroupPlace, Lease, Log, NewRecord, Slice } from './log/log.ts'
import { withLastParked } from './parked.ts'
import { restore, type RestoreProgress } from './restore.ts'
import { setAside } from './set-aside.ts'

export type LeaseState = 'fencing' | 'restoring' | 'running' | 'draining'

export type ActorDeps = {
  readonly log: Log
  readonly store: CheckpointStore
  readonly keys: Keys & { readonly operator: KeyObject }
  readonly sharding: Sharding
  readonly limit: BatchLimit
  readonly pace: CheckpointPace
  /** States kept in memory; clean ones above it leave after a checkpoint. */
  readonly cellsMax: number
  readonly now: () => number
  /** For budgets that name none; without it the rule's own. */
  readonly budgetThresholds?: readonly number[]
  readonly observe: ActorObserver
}

/** What the loop tells whoever watches: metrics, logs, tests. */
export type ActorObserver = {
  state(partition: number, state: LeaseState): void
  /** While a take-over folds what the checkpoint lacks: some seconds of events, or all after an evolve changed. */
  restoring?(partition: number, progress: RestoreProgress): void
  committed(
    partition: number,
    batch: { readonly answers: readonly Answered[]; readonly deadLetters: number },
  ): void
  fault(partition: number, error: unknown): void
}

/** Name of the consumer group; offsets are kept under it for ever. */
export const ACTOR_GROUP = 'saldo.actors'

/** Owns the partition until `stop` fires, then drains, or until the lease is lost. Rejects when the partition cannot go on. */
export async function runActors(
  partition: number,
  deps: ActorDeps,
  stop: AbortSignal,
): Promise<void> {
  const place: GroupPlace = { group: ACTOR_GROUP, topic: 'ledger.commands', partition }
  deps.observe.state(partition, 'fencing')
  const lease = await deps.log.acquire(place)
  const host = new LedgerHost(deps.sharding)
  try {
    await own(lease, host, deps, stop)
  } catch (error) {
    // Rows of a newer owner do not fit the memory of the one before: that is no fault of anybody.
    if (!(error instanceof SaldoError && error.retryable)) await lease.confirm()
    throw error
  } finally {
    host.stop()
    await lease.release()
  }
}

async function own(
  lease: Lease,
  host: LedgerHost,
  deps: ActorDeps,
  stop: AbortSignal,
): Promise<void> {
  const { log, store, keys, pace, limit, cellsMax, now, observe } = deps
  const { partition } = lease.place
  const progress = await store.takeOver(partition, log.identity)
  const end = await log.end({ topic: 'ledger.events', partition })
  await checkCheckpoint(log, partition, progress, end)
  const committed = lease.committed ?? 0n
  const seen = progress.commandsOffset ?? 0n
  if (seen > committed) {
    throw offsetLost(
      `the group's offset of partition ${partition} is ${committed}, behind ${seen} that a checkpoint has seen`,
    )
  }
  observe.state(partition, 'restoring')
  const checkpointer = new Checkpointer({ partition, progress, store, keys, pace, now })
  const { folded, lastEventId = progress.lastEventId } = await restore({
    log,
    partition,
    from: progress.eventsOffset,
    end,
    host,
    store,
    keys,
    checkpointer,
    limit,
    commandsOffset: committed,
    cellsMax,
    onProgress: (restored) => observe.restoring?.(partition, restored),
  })
  if (lease.committed === undefined && folded > 0) {
    throw offsetLost(`partition ${partition} has events, and the group has no offset`)
  }
  observe.state(partition, 'running')
  await new Owner(lease, host, checkpointer, deps, { committed, lastEventId }).run(stop)
}

function offsetLost(message: string): SaldoError {
  return new SaldoError('SALDO_OFFSET_LOST', `${message}: the log lost it`)
}

/** A decided batch on its way into the log. */
type Batch = {
  readonly records: readonly NewRecord[]
  readonly next: bigint
  readonly changes: readonly ChangedState[]
  readonly answers: readonly Answered[]
  readonly deadLetters: number
}

class Owner {
  readonly #lease: Lease
  readonly #host: LedgerHost
  readonly #checkpointer: Checkpointer
  readonly #deps: ActorDeps
  readonly #partition: number
  #committed: bigint
  #lastEventId: string | undefined
  /** The last event committed since; decoded when a checkpoint needs its id. */
  #lastEvent: Buffer | undefined
  #evictedAt: bigint | undefined

  constructor(
    lease: Lease,
    host: LedgerHost,
    checkpointer: Checkpointer,
    deps: ActorDeps,
    restored: { readonly committed: bigint; readonly lastEventId: string | undefined },
  ) {
    this.#lease = lease
    this.#host = host
    this.#checkpointer = checkpointer
    this.#deps = deps
    this.#partition = lease.place.partition
    this.#committed = restored.committed
    this.#lastEventId = restored.lastEventId
  }

  async run(stop: AbortSignal): Promise<void> {
    const { log } = this.#deps
    const over = AbortSignal.any([stop, this.#lease.lost])
    let position = this.#committed
    let committing = Promise.resolve()
    try {
      while (!over.aborted) {
        this.#letGo()
        const slice = await log.read(this.#lease.place, position, this.#deps.limit)
        if (slice.records.length === 0) {
          // Offsets jump: with the old position there would always be something to wait for.
          position = slice.next
          await committing
          await this.#idle(position, over)
          continue
        }
        // Steps 1 to 4 of this batch run while the batch before commits; its commit waits for that one.
        const batch = await this.#decide(slice, committing)
        await committing
        await this.#relieve()
        committing = this.#commit(batch)
        // Awaited at the next turn; a failure in between must not count as unheard.
        committing.catch(() => undefined)
        position = slice.next
      }
      await committing
    } catch (error) {
      await committing.catch(() => undefined)
      throw error
    }
    if (stop.aborted && !this.#lease.lost.aborted) await this.#drain()
  }

  async #decide(slice: Slice, committing: Promise<void>): Promise<Batch> {
    const { log, store, keys, budgetThresholds } = this.#deps
    const { place } = this.#lease
    const { operator } = keys
    const decoded = decodeBatch(slice.records, place, log.partitions, operator, budgetThresholds)
    let { commands } = decoded
    if (commands.some(({ command }) => command.body.type === 'UnparkLedger')) {
      await committing
      commands = await withLastParked(log, this.#partition, commands)
    }
    await loadMissing(this.#host, this.#host.missing(commands), store, keys)
    const answers = await this.#host.decide(commands)
    // Between two batches nothing folds, so what the cells hold now is what this batch left.
    const cells = new Map<ChangedState['cell'], ChangedState>()
    for (const [index, { touched }] of answers.entries()) {
      const userId = (commands[index] as PreparedCommand).command.userId
      for (const cell of touched) cells.set(cell, { userId, cell, held: cell.held })
    }
    const aside = await setAside(slice.records, commands, answers, place, keys)
    const deadLetters = [...decoded.deadLetters, ...aside.deadLetters]
    return {
      records: [...recordsOf(this.#partition, commands, answers), ...deadLetters, ...aside.parked],
      next: slice.next,
      changes: [...cells.values()],
      answers,
      deadLetters: deadLetters.length,
    }
  }

  async #commit({ records, next, changes, answers, deadLetters }: Batch): Promise<void> {
    await this.#lease.commit(records, next)
    this.#committed = next
    this.#lastEvent =
      records.findLast(({ topic }) => topic === 'ledger.events')?.value ?? this.#lastEvent
    this.#checkpointer.add(changes, eventBytesIn(records))
    this.#deps.observe.committed(this.#partition, { answers, deadLetters })
    // Not before: what an owner decides that was replaced, on rows that are newer than its memory, may be nonsense.
    for (const { fault } of answers) {
      if (fault !== undefined) this.#deps.observe.fault(this.#partition, fault)
    }
    if (this.#checkpointer.isDue) await this.#cut()
  }

  /** Only between two commits, when the end of the events is the end of what is folded and handed over. */
  async #cut(): Promise<void> {
    const eventsEnd = await this.#deps.log.end({
      topic: 'ledger.events',
      partition: this.#partition,
    })
    // An owner that was held up between its two fences may own the checkpoints and not the log, and somebody else
    // may have written the events before `eventsEnd`.
    if (this.#checkpointer.isBehind(eventsEnd, this.#committed)) await this.#lease.confirm()
    if (this.#lastEvent !== undefined) {
      this.#lastEventId = eventCodec.decode(this.#lastEvent).eventId
      this.#lastEvent = undefined
    }
    this.#checkpointer.cut(eventsEnd, this.#committed, this.#lastEventId)
  }

  /** Only between two batches: one that is being decided counts on what was loaded for it. */
  #letGo(): void {
    const { savedCommands } = this.#checkpointer
    if (savedCommands === this.#evictedAt) return
    this.#evictedAt = savedCommands
    this.#host.evict(this.#deps.cellsMax)
  }

  async #relieve(): Promise<void> {
    this.#checkpointer.check()
    if (this.#checkpointer.isLate) await this.#checkpointer.settled()
    if (!this.#checkpointer.isFull) return
    await this.#checkpointer.settled()
    await this.#cut()
    await this.#checkpointer.settled()
  }

  async #idle(position: bigint, over: AbortSignal): Promise<void> {
    this.#checkpointer.check()
    if (this.#checkpointer.isDue) await this.#cut()
    await this.#deps.log.arrival(this.#lease.place, position, over)
  }

  /** The last checkpoint of an owner that leaves on purpose: whoever comes next restores nothing. */
  async #drain(): Promise<void> {
    this.#deps.observe.state(this.#partition, 'draining')
    await this.#checkpointer.settled()
    await this.#cut()
    await this.#checkpointer.settled()
  }
}

function eventBytesIn(records: readonly NewRecord[]): number {
  let bytes = 0
  for (const { topic, value } of records) if (topic === 'ledger.events') bytes += value.length
  return bytes
}

function recordsOf(
  partition: number,
  commands: readonly PreparedCommand[],
  answers: readonly Answered[],
): readonly NewRecord[] {
  const records: NewRecord[] = []
  for (const [index, { outcome, events }] of answers.entries()) {
    const key = Buffer.from((commands[index] as PreparedCommand).command.userId)
    for (const value of events) records.push({ topic: 'ledger.events', partition, key, value })
    records.push({ topic: 'ledger.outcomes', partition, key, value: outcomeCodec.encode(outcome) })
  }
  return records
}
