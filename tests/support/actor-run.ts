/** The actor loop of partition 0 over a world in memory, started, fed and asked for what it left. */
import { deadLetterCodec, eventCodec, outcomeCodec } from '../../schemas/codec.ts'
import type { LedgerCommand, LedgerCommandBody } from '../../schemas/types.ts'
import type { CheckpointStore } from '../../sink/checkpoint-store.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import {
  runActors,
  type ActorDeps,
  type ActorObserver,
  type LeaseState,
} from '../../topology/run-actors.ts'
import type { RestoreProgress } from '../../topology/restore.ts'
import { commandRecord, commandsPlace, turnsUntil, type World } from './actor-world.ts'
import { commandIdOf, NOW } from './specification.ts'

export const NEVER: ActorDeps['pace'] = {
  everyMs: Infinity,
  changedStates: 1e9,
  changedStatesMax: 1e9,
}

/** Of a loop over a world in memory, which writes no checkpoint before it drains. */
export function actorDeps(world: World, observe: ActorObserver): ActorDeps {
  return {
    log: world.log,
    store: world.store,
    keys: world.keys,
    sharding: 64,
    limit: { records: 100, bytes: 1_000_000 },
    pace: NEVER,
    cellsMax: 1_000,
    now: () => 0,
    observe,
  }
}

let sent = 0
export function wish(body: LedgerCommandBody, userId = 'user-1'): LedgerCommand {
  return {
    commandId: commandIdOf(++sent),
    userId,
    issuedAt: NOW,
    expectedVersion: null,
    initiator: { kind: 'user', id: userId },
    traceparent: null,
    body,
  }
}

export type Run = {
  readonly ended: Promise<void>
  readonly states: LeaseState[]
  readonly faults: unknown[]
  readonly restored: RestoreProgress[]
  /** How many reports of the restore there had been when the first batch was committed. */
  readonly restoredAtCommit: number[]
  readonly commits: { readonly answers: number; readonly deadLetters: number }[]
  /** Every command is answered. */
  answered(): Promise<void>
  /** Drains and ends. */
  stop(): Promise<void>
}

export function start(world: World, changes: Partial<ActorDeps> = {}): Run {
  const stop = new AbortController()
  const states: LeaseState[] = []
  const faults: unknown[] = []
  const commits: Run['commits'] = []
  const restored: RestoreProgress[] = []
  const restoredAtCommit: number[] = []
  const observe: ActorObserver = {
    state: (_, state) => states.push(state),
    restoring: (_, progress) => restored.push(progress),
    committed(_, { answers, deadLetters }) {
      commits.push({ answers: answers.length, deadLetters })
      restoredAtCommit.push(restored.length)
    },
    fault: (_, error) => faults.push(error),
  }
  const ended = runActors(0, { ...actorDeps(world, observe), ...changes }, stop.signal)
  ended.catch(() => undefined)
  return {
    ended,
    states,
    faults,
    restored,
    restoredAtCommit,
    commits,
    answered: () => Promise.race([turnsUntil(() => isAnswered(world)), ended]),
    async stop() {
      stop.abort()
      await ended
    },
  }
}

export function isAnswered({ log }: World, partition = 0): boolean {
  const place = { ...commandsPlace, partition }
  const last = log.committed(place).at(-1)
  return last === undefined || (log.groupOffset(place) ?? 0n) > last.offset
}

export function send(
  { log }: World,
  ...commands: readonly (LedgerCommand | NewRecord)[]
): Promise<void> {
  return log
    .producer()
    .append(commands.map((one) => ('topic' in one ? one : commandRecord(one, log.partitions))))
}

/** Runs until every command is answered, then drains. */
export async function runOnce(world: World, changes: Partial<ActorDeps> = {}): Promise<Run> {
  const run = start(world, changes)
  await run.answered()
  await run.stop()
  return run
}

export const outcomesOf = ({ log }: Pick<World, 'log'>, partition = 0) =>
  log
    .committed({ topic: 'ledger.outcomes', partition })
    .map(({ value }) => outcomeCodec.decode(value))
export const eventsOf = ({ log }: Pick<World, 'log'>, partition = 0) =>
  log.committed({ topic: 'ledger.events', partition }).map(({ value }) => eventCodec.decode(value))
export const deadLettersOf = ({ log }: World) =>
  log
    .committed({ topic: 'ledger.dead-letters', partition: 0 })
    .map(({ value }) => deadLetterCodec.decode(value))
export const verdicts = (world: World) =>
  outcomesOf(world).map(({ verdict, code }) => code ?? verdict)

/** A store that says what it is asked for. */
export function watched(
  store: CheckpointStore,
): CheckpointStore & { readonly loads: string[]; saves: number } {
  const loads: string[] = []
  const watching = {
    ...store,
    loads,
    saves: 0,
    load(wanted: Parameters<CheckpointStore['load']>[0]) {
      loads.push(...wanted.ledgers, ...wanted.transactions.map((one) => one.transactionId))
      return store.load(wanted)
    },
    save(batch: Parameters<CheckpointStore['save']>[0]) {
      watching.saves++
      return store.save(batch)
    },
  }
  return watching
}
