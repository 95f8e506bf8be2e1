/** An actor loop on a log in memory that fails on some commands: those that create something with `poison` in its id. */
import { eventCodec, outcomeCodec } from '../../schemas/codec.ts'
import type { Log } from '../../topology/log/log.ts'
import { runActors, type ActorDeps } from '../../topology/run-actors.ts'
import { turnsUntil, type World } from './actor-world.ts'
import { withPoison } from './poison.ts'

export type ActorRun = {
  readonly faults: unknown[]
  readonly ended: Promise<unknown>
  /** Drains and ends. */
  stop(): Promise<void>
}

/** Owners of every partition, until `stop`. */
export function runOwners(world: World, changes: Partial<ActorDeps> = {}): ActorRun {
  const stop = new AbortController()
  const faults: unknown[] = []
  const deps: ActorDeps = {
    log: world.log,
    store: world.store,
    keys: withPoison(world.keys),
    sharding: 64,
    limit: { records: 100, bytes: 1_000_000 },
    pace: { everyMs: Infinity, changedStates: 1e9, changedStatesMax: 1e9 },
    cellsMax: 1_000,
    now: () => 0,
    observe: {
      state: () => undefined,
      committed: () => undefined,
      fault: (_, error) => faults.push(error),
    },
    ...changes,
  }
  const partitions = Array.from({ length: world.log.partitions }, (_, partition) => partition)
  const ended = Promise.all(partitions.map((one) => runActors(one, deps, stop.signal)))
  ended.catch(() => undefined)
  return {
    faults,
    ended,
    async stop() {
      stop.abort()
      await ended
    },
  }
}

/** Every command of every partition is answered. */
export function answered({ log }: World, run: ActorRun): Promise<unknown> {
  const isAnswered = (partition: number): boolean => {
    const place = { topic: 'ledger.commands', partition } as const
    const last = log.committed(place).at(-1)
    return (
      last === undefined ||
      (log.groupOffset({ ...place, group: 'saldo.actors' }) ?? 0n) > last.offset
    )
  }
  const all = turnsUntil(() =>
    Array.from({ length: log.partitions }, (_, one) => one).every(isAnswered),
  )
  return Promise.race([all, run.ended])
}

/** Runs owners until every command is answered, then drains them. */
export async function runOnce(world: World, changes: Partial<ActorDeps> = {}): Promise<ActorRun> {
  const run = runOwners(world, changes)
  await answered(world, run)
  await run.stop()
  return run
}

export const outcomesOf = ({ log }: Pick<World, 'log'>, partition = 0) =>
  log
    .committed({ topic: 'ledger.outcomes', partition })
    .map(({ value }) => outcomeCodec.decode(value))

export const eventsOf = ({ log }: Pick<World, 'log'>, partition = 0) =>
  log.committed({ topic: 'ledger.events', partition }).map(({ value }) => eventCodec.decode(value))

/** A log whose calls end with an error from the `n`th on, as of a process that is killed there. */
export function killedAt(log: Log, n: number): Log {
  let calls = 0
  const step = (): void => {
    if (++calls >= n) throw new Error('killed')
  }
  return {
    ...log,
    producer() {
      const producer = log.producer()
      return {
        ...producer,
        async append(records) {
          step()
          await producer.append(records)
          // Stored, and the process does not live to see it.
          step()
        },
      }
    },
    async read(place, offset, limit) {
      step()
      return log.read(place, offset, limit)
    },
    async end(place) {
      step()
      return log.end(place)
    },
  }
}
