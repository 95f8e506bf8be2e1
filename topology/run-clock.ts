/**
 * The loop of the clock: what happens because time passes. One process at a time does it (a lease); two would do no harm.
 *
 * It removes records that nobody needs any more, and tells every ledger that a day of its user has ended.
 */
import type { ClockStore } from '../sink/clock-store.ts'
import { duePass, tellSome } from './advance-time.ts'
import type { Log, Producer } from './log/log.ts'
import type { Removed, Retention, RetentionRule } from './log/retention.ts'
import { DoneWithParked } from './parked-retention.ts'
import { ACTOR_GROUP } from './run-actors.ts'
import { consumerOf, outcomeTables } from './table-reader.ts'

/** Name of the group that the one clock is leased in; it has one partition. */
export const CLOCK_GROUP = 'saldo.clock'

export type ClockDeps = {
  readonly log: Log
  readonly retention: Retention
  readonly store: ClockStore
  /** How long outcomes and dead letters are kept at least. */
  readonly answersMs: number
  /** The wall clock, milliseconds since 1970 UTC: the only one that decides what happens. */
  readonly now: () => number
  readonly pause: (ms: number, stop: AbortSignal) => Promise<void>
  readonly observe: ClockObserver
}

export type ClockObserver = {
  /** By partition for how long the oldest command waits to be decided. */
  unread(ms: ReadonlyMap<number, number>): void
  removed(removed: readonly Removed[]): void
  told(ledgers: number): void
}

const SWEEP_MS = 5_000
const LOOK_MS = 250
/** Ledgers are told no faster than the engine decides: what people send must not wait behind it. */
const UNREAD_MS_MAX = 1_000

/** A command is in clear: it goes a minute or two after it was decided, sooner when there are many. */
const COMMAND_SEGMENT_MS = 60_000
const COMMAND_SEGMENT_BYTES = 64 << 20
/** Of a ring of four, three hold what is kept: each turn is a third of the time. */
const ANSWER_SEGMENTS = 3
/** Answers, and what others read, turn by time alone. */
const NO_LIMIT_BYTES = Number.MAX_SAFE_INTEGER
const PUBLIC_MS = 7 * 86_400_000
/** Further than any offset. */
const READ_BY_ALL = 2n ** 63n - 1n

/** Works until `stop` fires. Rejects when the log or the database is away. */
export async function runClock(deps: ClockDeps, stop: AbortSignal): Promise<void> {
  const { retention, observe, now, pause } = deps
  const producer = deps.log.producer()
  const parked = new DoneWithParked(deps.log, deps.store)
  try {
    for (let sweptAt = Number.NEGATIVE_INFINITY; !stop.aborted;) {
      const unread = await retention.unreadMs(ACTOR_GROUP)
      observe.unread(unread)
      // Backwards too: a clock that was set back must not stop the sweeps until it has caught up.
      if (Math.abs(now() - sweptAt) >= SWEEP_MS) {
        observe.removed(await retention.sweep(await rulesOf(deps, parked)))
        sweptAt = now()
      }
      const isBehind = [...unread.values()].some((ms) => ms > UNREAD_MS_MAX)
      const due = await tellNext(deps, producer, isBehind)
      await pause(due ? LOOK_MS : SWEEP_MS, stop)
    }
  } finally {
    await producer.close()
  }
}

/** True while there are ledgers to be told. */
async function tellNext(
  { log, store, now, observe }: ClockDeps,
  producer: Producer,
  isBehind: boolean,
): Promise<boolean> {
  const pass = duePass(await store.progress(), await store.timeZones(), now())
  if (pass === undefined) return false
  if (isBehind) return true
  const { partitions } = log
  observe.told(await tellSome(pass, { store, producer, partitions, now: now() }))
  return true
}

async function rulesOf(
  { log, store, answersMs }: ClockDeps,
  parked: DoneWithParked,
): Promise<readonly RetentionRule[]> {
  return [
    {
      topics: ['ledger.commands'],
      olderThanMs: 0,
      segmentMs: COMMAND_SEGMENT_MS,
      segmentBytes: COMMAND_SEGMENT_BYTES,
      groups: [ACTOR_GROUP],
      // A group's offset that somebody moved by mistake must not take along what nobody has decided.
      readTo: await store.commandsDecided(log.partitions),
    },
    {
      topics: ['ledger.outcomes', 'ledger.dead-letters'],
      olderThanMs: answersMs,
      segmentMs: Math.floor(answersMs / ANSWER_SEGMENTS),
      segmentBytes: NO_LIMIT_BYTES,
      readTo: await store.readTo(outcomeTables.processors.map(consumerOf), log.partitions),
    },
    {
      topics: [
        'transactions.created',
        'transactions.categorized',
        'expenses.events',
        'budgets.exceeded',
      ],
      olderThanMs: PUBLIC_MS,
      segmentMs: Math.floor(PUBLIC_MS / ANSWER_SEGMENTS),
      segmentBytes: NO_LIMIT_BYTES,
      // Nobody of ours reads them, and whoever does is not waited for.
      readTo: Array.from({ length: log.partitions }, () => READ_BY_ALL),
    },
    {
      topics: ['ledger.parked'],
      olderThanMs: 0,
      segmentMs: COMMAND_SEGMENT_MS,
      segmentBytes: COMMAND_SEGMENT_BYTES,
      readTo: await parked.readTo(),
    },
  ]
}
