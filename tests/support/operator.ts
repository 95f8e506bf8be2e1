/** Operators who unpark ledgers, are killed at it and begin again, beside whatever else happens. */
import { SaldoError } from '../../schemas/errors.ts'
import type { MemoryLog } from '../../topology/log/memory-log.ts'
import { unpark, type UnparkDeps } from '../../topology/unpark.ts'
import type { World } from './actor-world.ts'
import { newestReader } from './release.ts'
import { commandIdOf } from './specification.ts'

export type Operating = {
  /** The first pass over the ledgers begins while commands still come. */
  readonly afterSendings: number
  readonly portionRecords: number
  /** Each is killed at this call of the log; whoever comes when the list is empty is not. */
  readonly killedAtCalls: readonly number[]
  /** How many make that first pass beside each other. */
  readonly rivals: 1 | 2
}

export type Operators = {
  /** Goes over all ledgers; true when none is parked any more but those that are erased. */
  pass(): Promise<boolean>
  /** Ends whoever is still at work. */
  stop(): void
}

export function operatorsOf(
  world: Pick<World, 'log' | 'keys'>,
  users: readonly string[],
  { portionRecords, killedAtCalls }: Operating,
  options: { readonly tick: () => void; readonly now: () => number },
): Operators {
  const deaths = [...killedAtCalls]
  const logs = new Set<MemoryLog>()
  let ids = 700_000
  let isStopped = false

  const once = async (userId: string): Promise<boolean> => {
    const death = deaths.shift() ?? Infinity
    let calls = 0
    const log = world.log.reopen({
      fault() {
        options.tick()
        if (++calls >= death) log.crash()
        return 'none'
      },
    })
    logs.add(log)
    const deps: UnparkDeps = {
      log: { ...log, ...newestReader(log) },
      keys: { ...world.keys, existingKeysOf: (userIds) => world.keys.keysOf(userIds) },
      userId,
      newId: () => commandIdOf(++ids),
      now: options.now,
      portion: { records: portionRecords, bytes: 1_000_000 },
    }
    try {
      const { end } = await unpark(deps)
      return end !== 'parked-again'
    } catch (error) {
      if (isStopped || !(error instanceof SaldoError && error.retryable)) throw error
      return false
    } finally {
      logs.delete(log)
    }
  }
  return {
    async pass() {
      const done = await Promise.all(users.map(once))
      return done.every(Boolean)
    },
    stop() {
      isStopped = true
      for (const log of logs) log.crash()
    },
  }
}
