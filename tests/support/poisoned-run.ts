/** An actor loop on a log in memory that fails on some commands: those that create something with `poison` in its id. */
import type { Log } from '../../topology/log/log.ts'
import { runActors, type ActorDeps, type ActorObserver } from '../../topology/run-actors.ts'
import { actorDeps, isAnswered } from './actor-run.ts'
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
  const observe: ActorObserver = {
    state: () => undefined,
    committed: () => undefined,
    fault: (_, error) => faults.push(error),
  }
  const deps = { ...actorDeps(world, observe), keys: withPoison(world.keys), ...changes }
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
export function answered(world: World, run: ActorRun): Promise<unknown> {
  const partitions = Array.from({ length: world.log.partitions }, (_, partition) => partition)
  const all = turnsUntil(() => partitions.every((one) => isAnswered(world, one)))
  return Promise.race([all, run.ended])
}

/** Runs owners until every command is answered, then drains them. */
export async function runOnce(world: World, changes: Partial<ActorDeps> = {}): Promise<ActorRun> {
  const run = runOwners(world, changes)
  await answered(world, run)
  await run.stop()
  return run
}

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
