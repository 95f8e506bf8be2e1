/**
 * A process that owns partition 0 and to which things happen: it fails, crashes, is replaced, or is held up for a while
 * and goes on as a zombie that does not know it. Everything is decided by the plan; there is no clock and no chance.
 */
import { SaldoError } from '../../schemas/errors.ts'
import type { CheckpointStore } from '../../sink/checkpoint-store.ts'
import { keepRunning } from '../../topology/keep-running.ts'
import type { LogFault, MemoryLog } from '../../topology/log/memory-log.ts'
import { runActors, type ActorDeps } from '../../topology/run-actors.ts'
import { turn, type World } from './actor-world.ts'

export type Fate = {
  readonly kind: 'fail' | 'slow' | 'slow-fail' | 'in-doubt' | 'crash' | 'zombie' | 'replaced'
  /** It happens at this step of the process, counted from the fate before. */
  readonly afterSteps: number
  /** Steps of anybody after which a zombie goes on, or a replaced process hears that it is to stop; turns that a slow step takes. */
  readonly delaySteps: number
}

export type EngineSettings = Pick<ActorDeps, 'limit' | 'pace' | 'sharding' | 'cellsMax'>

// The longest scenarios take a few thousand.
const STEPS_MAX = 30_000

/** Counts the steps of all processes and wakes who waits for one. */
export class StepClock {
  #steps = 0
  #waiting: { readonly at: number; readonly go: () => void }[] = []

  tick(): void {
    if (++this.#steps > STEPS_MAX) throw new Error(`nothing comes to an end in ${STEPS_MAX} steps`)
    this.#release(({ at }) => at <= this.#steps)
  }

  after(steps: number, go: () => void): void {
    this.#waiting.push({ at: this.#steps + steps, go })
  }

  releaseAll(): void {
    while (this.#waiting.length > 0) this.#release(() => true)
  }

  #release(isDue: (waiting: { readonly at: number }) => boolean): void {
    const due = this.#waiting.filter(isDue)
    this.#waiting = this.#waiting.filter((waiting) => !isDue(waiting))
    for (const { go } of due) go()
  }
}

export type FaultyProcess = {
  /** Resolves when the process has ended, however. Rejects when it gave up: that must not happen. */
  readonly ended: Promise<void>
  /** True when somebody else should take over. */
  isOver(): boolean
  stop(): void
}

/** Starts a process; it takes its fates from the front of the list, up to one that ends it. */
export function startProcess(
  world: World,
  settings: EngineSettings,
  clock: StepClock,
  fates: Fate[],
): FaultyProcess {
  const stop = new AbortController()
  let isOver = false
  let isDead = false
  let steps = 0
  let time = 0

  const happen = ({ kind, delaySteps }: Fate): LogFault | Promise<LogFault> => {
    if (kind === 'fail' || kind === 'in-doubt') return kind
    if (kind === 'slow' || kind === 'slow-fail') {
      return turns(delaySteps).then(() => (kind === 'slow' ? 'none' : 'fail'))
    }
    isOver = true
    if (kind === 'crash') {
      isDead = true
      log.crash()
      stop.abort()
    } else if (kind === 'zombie') {
      log.cutOff()
      const held = Promise.withResolvers<LogFault>()
      clock.after(delaySteps, () => {
        // It goes on as if nothing had been, and hears a while later that it is to stop.
        clock.after(delaySteps, () => stop.abort())
        held.resolve('none')
      })
      return held.promise
    } else {
      clock.after(delaySteps, () => stop.abort())
    }
    return 'none'
  }
  const step = (): LogFault | Promise<LogFault> => {
    clock.tick()
    const fate = fates[0]
    if (isOver || fate === undefined || ++steps < fate.afterSteps) return 'none'
    steps = 0
    fates.shift()
    return happen(fate)
  }
  const log: MemoryLog = world.log.reopen({ fault: step })
  const deps: ActorDeps = {
    ...settings,
    log,
    store: faultyStore(world.store, step, () => isDead),
    keys: world.keys,
    now: () => time++,
    observe: { state: () => undefined, committed: () => undefined, fault: () => undefined },
  }
  const report = (error: unknown): void => {
    if (error instanceof SaldoError && error.retryable) return
    // What a zombie decides on rows that are newer than its memory may be nonsense; its commit is refused.
    if (!isOver) throw error
  }
  return {
    ended: keepRunning(0, () => runActors(0, deps, stop.signal), stop.signal, report, turn),
    isOver: () => isOver,
    stop: () => stop.abort(),
  }
}

function faultyStore(
  store: CheckpointStore,
  step: () => LogFault | Promise<LogFault>,
  isDead: () => boolean,
): CheckpointStore {
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    const fault = await step()
    if (isDead() || fault === 'fail') throw away()
    const answer = await call()
    const after = await step()
    if (isDead() || fault === 'in-doubt' || after !== 'none') throw away()
    return answer
  }
  return {
    takeOver: (partition, identity) => around(() => store.takeOver(partition, identity)),
    save: (batch) => around(() => store.save(batch)),
    load: (wanted) => around(() => store.load(wanted)),
    close: () => store.close(),
  }
}

/** Turns, not steps: nobody else may be there to make a step. */
async function turns(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed++) await turn()
}

function away(): SaldoError {
  return new SaldoError('SALDO_DATABASE_UNAVAILABLE', 'the store is away', { retryable: true })
}
