/**
 * The judge: folds every event from the beginning and compares what the engine stored with what the log says.
 *
 * Invariant: rows are compared with the fold up to exactly the progress that the same snapshot shows, so it works while
 * the engine runs. It writes nothing, and holds one partition's fold in memory at a time.
 */
import { STATES_GENERATION } from '../actors/generation.ts'
import type { OpenedEvent } from '../schemas/opened-event.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { Outcome } from '../schemas/types.ts'
import { refuseNewer } from '../sink/checkpoint-generation.ts'
import { CHECKPOINT_CONSUMER } from '../sink/postgres-checkpoint-store.ts'
import type { Progress, VerifyReader } from '../sink/verify-queries.ts'
import type { Log } from './log/log.ts'
import { ACTOR_GROUP } from './run-actors.ts'
import { ledgerTables, outcomeTables, type ReaderKeys } from './table-reader.ts'
import { AnswersFold } from './verify-answers.ts'
import { ChainFold } from './verify-chain.ts'
import { StatesFold } from './verify-checkpoints.ts'
import type { Difference, Note } from './verify-differences.ts'
import { advance, type Fold, type Partition } from './verify-fold.ts'
import { tableFold, type TableFold } from './verify-tables.ts'

export type VerifyDeps = {
  readonly log: Log
  readonly keys: ReaderKeys
  readonly reader: VerifyReader
  readonly partitions: number
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** Counts from the beginning, over all partitions. */
export type VerifyProgress = {
  readonly partition: number
  readonly ledgers: number
  readonly events: number
  readonly differences: number
}

export type Verdict = {
  readonly ledgers: number
  readonly events: number
  readonly outcomes: number
  readonly differences: readonly Difference[]
}

/** A look at some ledgers has to end within seconds. */
const LEDGERS_PER_LOOK = 300
const ROWS_PER_LOOK = 20_000

export async function verify(deps: VerifyDeps): Promise<Verdict> {
  const stored = await storedUsers(deps)
  const differences: Difference[] = []
  let [ledgers, events, outcomes] = [0, 0, 0]
  for (let partition = 0; partition < deps.partitions; partition++) {
    const judge = await Judge.of(deps, partition, noteIn(differences, partition))
    await judge.look(stored[partition] ?? new Set(), (compared) =>
      deps.onProgress?.({
        partition,
        ledgers: ledgers + compared,
        events: events + judge.chain.events,
        differences: differences.length,
      }),
    )
    ledgers += judge.ledgers
    events += judge.chain.events
    outcomes += judge.answers.outcomes
  }
  return { ledgers, events, outcomes, differences }
}

/** Who has rows, by partition: without them a row of a ledger that the log does not know would not be found. */
async function storedUsers({ reader, partitions }: VerifyDeps): Promise<readonly Set<string>[]> {
  const users = Array.from({ length: partitions }, () => new Set<string>())
  for await (const page of reader.userIds()) {
    for (const userId of page) users[partitionOf(Buffer.from(userId), partitions)]?.add(userId)
  }
  return users
}

function noteIn(differences: Difference[], partition: number): Note {
  return (difference) =>
    differences.push({ key: {}, columns: [], expected: {}, found: {}, ...difference, partition })
}

class Judge {
  readonly chain: ChainFold
  readonly answers: AnswersFold
  readonly #partition: Partition
  readonly #reader: VerifyReader
  readonly #states: StatesFold
  readonly #eventTables: readonly TableFold<OpenedEvent>[]
  readonly #outcomeTables: readonly TableFold<Outcome>[]
  /** Consumers whose progress cannot be reached: said once each. */
  readonly #unreachable = new Set<string>()

  #oldestKnown = 0

  private constructor(deps: VerifyDeps, partition: Partition, groupOffset: bigint | undefined) {
    this.#partition = partition
    this.#reader = deps.reader
    this.chain = new ChainFold(partition)
    this.answers = new AnswersFold(partition, groupOffset)
    this.#states = new StatesFold(partition)
    this.#eventTables = ledgerTables.processors.map((processor) =>
      tableFold(partition, ledgerTables, processor),
    )
    this.#outcomeTables = outcomeTables.processors.map((processor) =>
      tableFold(
        partition,
        outcomeTables,
        processor,
        (row) => Number(row['command_offset']) < this.#oldestKnown,
      ),
    )
  }

  /** Ledgers with events, readable or not. */
  get ledgers(): number {
    return new Set([...this.chain.userIds, ...this.#partition.unjudged]).size
  }

  /** Folds a partition to where its consumers are at a first look, and judges the log itself up to its end. */
  static async of(deps: VerifyDeps, partition: number, note: Note): Promise<Judge> {
    const { log, keys, reader } = deps
    // In this order: what the group's offset has passed is answered before the end of the outcomes, and the events
    // that outcomes name are before the end of the events.
    const groupOffset = await log.position({
      group: ACTOR_GROUP,
      topic: 'ledger.commands',
      partition,
    })
    const outcomesEnd = await log.end({ topic: 'ledger.outcomes', partition })
    const eventsEnd = await log.end({ topic: 'ledger.events', partition })
    const generation = (await reader.generation(partition)) ?? STATES_GENERATION
    refuseNewer(partition, generation, STATES_GENERATION)
    const judge = new Judge(deps, { log, keys, partition, note, unjudged: new Set() }, groupOffset)
    // States of an older generation are folded again before anybody uses them.
    if (generation < STATES_GENERATION) judge.#unreachable.add(CHECKPOINT_CONSUMER)
    await judge.answers.takeCommands()
    await judge.answers.takeDeadLetters()
    await judge.#advance(await reader.progress(partition), { eventsEnd, outcomesEnd })
    await judge.#judgeAnswers()
    return judge
  }

  /** Compares what is stored of every ledger, some hundred in a snapshot each. */
  async look(stored: ReadonlySet<string>, onCompared: (ledgers: number) => void): Promise<void> {
    let compared = 0
    for (const userIds of this.#portions(new Set([...this.chain.userIds, ...stored]))) {
      const { partition, keys } = this.#partition
      const { progress, rows, checkpoints } = await this.#reader.look(partition, userIds)
      await this.#advance(progress)
      const found = await keys.existingKeysOf(userIds)
      const erased = new Set(userIds.filter((userId) => found.get(userId) === 'shredded'))
      for (const fold of [...this.#eventTables, ...this.#outcomeTables]) {
        if (this.#unreachable.has(fold.consumer)) continue
        await fold.compare(userIds, rows.get(fold.table) ?? [], erased)
      }
      if (!this.#unreachable.has(CHECKPOINT_CONSUMER)) {
        this.#states.compare(userIds, checkpoints, found)
      }
      onCompared((compared += userIds.length))
    }
  }

  async #advance(
    progress: Progress,
    ends?: { readonly eventsEnd: bigint; readonly outcomesEnd: bigint },
  ): Promise<void> {
    const events = new Map<Fold<OpenedEvent>, bigint>(this.#targets(this.#eventTables, progress))
    events.set(this.#states, progress.get(CHECKPOINT_CONSUMER) ?? 0n)
    const outcomes = new Map<Fold<Outcome>, bigint>(this.#targets(this.#outcomeTables, progress))
    if (ends !== undefined) {
      events.set(this.chain, ends.eventsEnd)
      outcomes.set(this.answers, ends.outcomesEnd)
    }
    await advance(this.#partition, ledgerTables, events)
    await advance(this.#partition, outcomeTables, outcomes)
    for (const fold of this.#eventTables) this.#reached(fold.consumer, fold, events.get(fold))
    for (const fold of this.#outcomeTables) this.#reached(fold.consumer, fold, outcomes.get(fold))
    this.#reached(CHECKPOINT_CONSUMER, this.#states, events.get(this.#states))
  }

  #targets<Item>(
    folds: readonly TableFold<Item>[],
    progress: Progress,
  ): readonly (readonly [TableFold<Item>, bigint])[] {
    return folds.map((fold) => [fold, progress.get(fold.consumer) ?? 0n] as const)
  }

  #reached(consumer: string, { position }: { readonly position: bigint }, target = 0n): void {
    if (position === target || this.#unreachable.has(consumer)) return
    this.#unreachable.add(consumer)
    this.#partition.note({
      what: 'progress',
      problem: 'not-reachable',
      key: { consumer },
      columns: ['next_offset'],
      expected: { next_offset: String(position) },
      found: { next_offset: String(target) },
    })
  }

  /** Every command is answered once, and the events that answers name are there. */
  async #judgeAnswers(): Promise<void> {
    const { note, unjudged } = this.#partition
    this.#oldestKnown = await this.answers.oldestKnown()
    this.answers.judge(this.#oldestKnown)
    for (const [userId, promised] of this.answers.promised) {
      const last = this.chain.lastSequence(userId)
      if (promised <= last || unjudged.has(userId)) continue
      note({
        what: 'ledger.events',
        problem: 'missing',
        userId,
        key: { sequence: String(promised) },
        columns: ['sequence'],
        expected: { sequence: String(promised) },
        found: { sequence: String(last) },
      })
    }
  }

  /** Few enough ledgers and rows for one short snapshot; a ledger that is larger has one of its own. */
  *#portions(userIds: ReadonlySet<string>): Generator<readonly string[]> {
    let portion: string[] = []
    let rows = 0
    for (const userId of userIds) {
      const size = this.#sizeOf(userId)
      if (
        portion.length === LEDGERS_PER_LOOK ||
        (portion.length > 0 && rows + size > ROWS_PER_LOOK)
      ) {
        yield portion
        portion = []
        rows = 0
      }
      portion.push(userId)
      rows += size
    }
    if (portion.length > 0) yield portion
  }

  #sizeOf(userId: string): number {
    return [this.#states, ...this.#eventTables, ...this.#outcomeTables].reduce(
      (sum, fold) => sum + fold.size(userId),
      0,
    )
  }
}
