/**
 * A process that owns partitions and to which things happen: it fails, crashes, loses a partition, is replaced, or is
 * held up for a while and goes on as a zombie that does not know it. Everything is decided by the plan; there is no
 * clock and no chance.
 */
import { SaldoError } from '../../schemas/errors.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { CheckpointStore, Wanted } from '../../sink/checkpoint-store.ts'
import type { MemoryCheckpointStore } from '../../sink/memory-checkpoint-store.ts'
import { keepRunning } from '../../topology/keep-running.ts'
import type { LogFault } from '../../topology/log/memory-log.ts'
import { runActors, type ActorDeps } from '../../topology/run-actors.ts'
import { turn, type World } from './actor-world.ts'
import { logAs, storeAs, type Marks, type Release } from './release.ts'

/** What happens to a step, to a process, or to its lease of the partition that the step is for. */
export type FateKind =
  | 'fail'
  | 'slow'
  | 'slow-fail'
  | 'rough'
  | 'in-doubt'
  | 'clock-jump'
  | 'crash'
  | 'zombie'
  | 'replaced'
  | 'lost'
  | 'handed-over'

export type Fate = {
  readonly kind: FateKind
  /** It happens at this step of the process, counted from the fate before. */
  readonly afterSteps: number
  /** Steps of anybody after which a zombie goes on, or an owner hears that it is to stop; turns that a slow step takes, steps that a rough time lasts. */
  readonly delaySteps: number
}

type Ending = Pick<Fate, 'kind' | 'delaySteps'>

export type EngineSettings = Pick<ActorDeps, 'limit' | 'pace' | 'sharding' | 'cellsMax'>

// The longest scenarios take a few thousand.
const STEPS_MAX = 60_000

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

/** One process at work on one partition. */
export type Work = {
  /** Resolves when it has ended, however. Rejects when it gave up: only an older release may, see `Marks`. */
  readonly ended: Promise<void>
  stop(): void
}

export type FaultyProcess = {
  own(partition: number): Work
  /** True when others should take over what it owns. */
  isOver(): boolean
  /** Others take over at once; it hears so after a while, or never again. */
  end(kind: 'replaced' | 'crash', delaySteps: number): void
  stop(): void
}

/** Hears that a partition is to be given to somebody else, now or once the work of this owner has ended. */
export type Moved = (partition: number, how: 'lost' | 'handed-over', delaySteps: number) => void

/** What all processes share, whatever release they are. */
export type SharedWorld = World & {
  readonly store: MemoryCheckpointStore
  readonly marks: Marks
}

/** Starts a process; it takes its fates from the front of the list, up to one that ends it. */
export function startProcess(
  world: SharedWorld,
  settings: EngineSettings,
  plan: {
    readonly clock: StepClock
    readonly fates: Fate[]
    readonly moved: Moved
    readonly release: Release
  },
): FaultyProcess {
  const { clock, fates, moved, release } = plan
  const stop = new AbortController()
  let isOver = false
  let isDead = false
  let steps = 0
  let time = 0
  const rough = roughTimes()

  const end = ({ kind, delaySteps }: Ending): LogFault | Promise<LogFault> => {
    isOver = true
    if (kind === 'crash') {
      isDead = true
      bare.crash()
      stop.abort()
    } else if (kind === 'zombie') {
      bare.cutOff()
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
  const happen = (fate: Fate, partition: number): LogFault | Promise<LogFault> => {
    const { kind, delaySteps } = fate
    switch (kind) {
      case 'fail':
      case 'in-doubt':
        return kind
      case 'slow':
      case 'slow-fail':
        return turns(delaySteps).then(() => (kind === 'slow' ? 'none' : 'fail'))
      case 'rough':
        rough.begin(delaySteps)
        return 'none'
      case 'clock-jump':
        time += (delaySteps - 30) * 100
        return 'none'
      case 'lost':
      case 'handed-over':
        moved(partition, kind, delaySteps)
        return 'none'
      default:
        return end(fate)
    }
  }
  const step = (partition: number): LogFault | Promise<LogFault> => {
    clock.tick()
    const fate = fates[0]
    if (!isOver && rough.isOn()) return rough.step()
    if (isOver || fate === undefined || ++steps < fate.afterSteps) return 'none'
    steps = 0
    fates.shift()
    return happen(fate, partition)
  }
  const bare = world.log.reopen({ fault: (_, { partition }) => step(partition) })
  const store = storeAs(release, world.store, world.keys, world.marks)
  const deps: ActorDeps = {
    ...settings,
    log: logAs(release, bare, world.marks),
    store: faultyStore({ ...world, store }, step, () => isDead),
    keys: world.keys,
    now: () => time++,
    observe: { state: () => undefined, committed: () => undefined, fault: () => undefined },
  }
  return {
    own(partition) {
      const own = new AbortController()
      const signal = AbortSignal.any([stop.signal, own.signal])
      const run = () => runActors(partition, deps, signal)
      return {
        ended: keepRunning(partition, run, signal, refuseOurFault, turn),
        stop: () => own.abort(),
      }
    },
    isOver: () => isOver,
    end: (kind, delaySteps) => void end({ kind, delaySteps }),
    stop: () => stop.abort(),
  }
}

/** A while in which every step is slow and some fail: steps that run beside each other end in any order. */
function roughTimes() {
  let left = 0
  let random = 1
  const below = (limit: number): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
    return (random >>> 8) % limit
  }
  return {
    begin(steps: number): void {
      left = steps
      random = steps
    },
    isOn: () => left > 0,
    step(): Promise<LogFault> {
      left--
      const fault = below(6) === 0 ? 'fail' : 'none'
      return turns(below(30)).then(() => fault)
    },
  }
}

function refuseOurFault(error: unknown): void {
  if (!(error instanceof SaldoError && error.retryable)) throw error
}

function faultyStore(
  { store, log: { partitions } }: World,
  step: (partition: number) => LogFault | Promise<LogFault>,
  isDead: () => boolean,
): CheckpointStore {
  const around = async <T>(partition: number, call: () => Promise<T>): Promise<T> => {
    const fault = await step(partition)
    if (isDead() || fault === 'fail') throw away()
    const answer = await call()
    const after = await step(partition)
    if (isDead() || fault === 'in-doubt' || after !== 'none') throw away()
    return answer
  }
  const partitionOfWanted = ({ ledgers, transactions }: Wanted): number =>
    partitionOf(Buffer.from(ledgers[0] ?? transactions[0]?.userId ?? ''), partitions)
  return {
    takeOver: (partition, identity) => around(partition, () => store.takeOver(partition, identity)),
    save: (batch) => around(batch.partition, () => store.save(batch)),
    load: (wanted) => around(partitionOfWanted(wanted), () => store.load(wanted)),
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
