/**
 * Several processes and who of them should own which partition: leases as they are seen from outside, where a
 * partition moves at once and its old owner hears of it later, or first drains and then moves.
 */
import type { FaultyProcess, Moved, StepClock, Work } from './faulty-engine.ts'
import type { Release } from './release.ts'

type Owned = { readonly process: FaultyProcess; readonly work: Work }
type Started = FaultyProcess & { readonly release: Release }

/** From now on processes are started of this release, and those that run are ended one after the other. */
export type Rollout = {
  readonly release: Release
  /** Steps of anybody after the rollout before. */
  readonly afterSteps: number
  readonly betweenSteps: number
  readonly how: 'drained' | 'replaced' | 'crash'
}

export class Cluster {
  readonly #clock: StepClock
  readonly #start: (moved: Moved, release: Release) => FaultyProcess
  readonly #mayRefuse: (release: Release, partition: number, error: unknown) => boolean
  readonly #sizeMin: number
  readonly #owners: (Owned | undefined)[]
  readonly #refusers: (FaultyProcess | undefined)[] = []
  readonly #started: Started[] = []
  readonly #retired = new Set<FaultyProcess>()
  readonly #works: Promise<void>[] = []
  #release: Release
  #next = 0
  #failed = false
  #ending = false

  constructor(options: {
    readonly partitions: number
    readonly processes: number
    readonly clock: StepClock
    readonly first: Release
    readonly rollouts: readonly Rollout[]
    readonly start: (moved: Moved, release: Release) => FaultyProcess
    /** A process that gives up for this reason does what it should; others go on. */
    readonly mayRefuse: (release: Release, partition: number, error: unknown) => boolean
  }) {
    this.#clock = options.clock
    this.#start = options.start
    this.#mayRefuse = options.mayRefuse
    this.#release = options.first
    this.#sizeMin = options.processes
    this.#owners = Array.from({ length: options.partitions }, () => undefined)
    this.#roll(options.rollouts)
  }

  /** A process gave up, which must not happen; `ended` says why. */
  get failed(): boolean {
    return this.#failed
  }

  /** Gives every partition that nobody works on an owner. Call at every turn. */
  tend(): void {
    for (const [partition, owned] of this.#owners.entries()) {
      if (owned?.process.isOver() !== false) this.#give(partition, this.#refusers[partition])
    }
  }

  /** Ends every process, whoever is still held up too. */
  async end(): Promise<void> {
    this.#ending = true
    this.#clock.releaseAll()
    for (const process of this.#started) process.stop()
    await Promise.all(this.#works)
  }

  #give(partition: number, but?: FaultyProcess): void {
    const process = this.#chosen(but)
    const work = process.own(partition)
    const owned = { process, work }
    const ended = work.ended.catch((error: unknown) => {
      if (!this.#mayRefuse(process.release, partition, error)) {
        this.#failed = true
        throw error
      }
      if (this.#owners[partition] !== owned) return
      this.#owners[partition] = undefined
      this.#refusers[partition] = process
    })
    // The end of the cluster hears of it.
    ended.catch(() => undefined)
    this.#works.push(ended)
    this.#owners[partition] = owned
  }

  #roll([rollout, ...rest]: readonly Rollout[]): void {
    if (rollout === undefined) return
    const { release, afterSteps, betweenSteps, how } = rollout
    this.#clock.after(afterSteps, () => {
      if (this.#ending) return
      this.#release = release
      for (const [n, process] of this.#living().entries()) {
        this.#clock.after(n * betweenSteps, () => this.#retire(process, how, betweenSteps))
      }
      this.#roll(rest)
    })
  }

  #retire(process: Started, how: Rollout['how'], delaySteps: number): void {
    if (this.#ending || process.isOver()) return
    if (how !== 'drained') {
      process.end(how, delaySteps)
      return
    }
    this.#retired.add(process)
    for (const partition of this.#owners.keys()) {
      this.#move(process, partition, 'handed-over', delaySteps)
    }
  }

  #living(): Started[] {
    return this.#started.filter((process) => !process.isOver() && !this.#retired.has(process))
  }

  #chosen(but: FaultyProcess | undefined): Started {
    let living = this.#living()
    while (living.length < this.#sizeMin) {
      const release = this.#release
      const bare = this.#start((...moved) => this.#move(process, ...moved), release)
      const process: Started = { ...bare, release }
      this.#started.push(process)
      living = [...living, process]
    }
    const others = living.filter((process) => process !== but)
    const chosen = others[this.#next++ % Math.max(others.length, 1)] ?? living[0]
    if (chosen === undefined) throw new Error('a cluster has at least one process')
    return chosen
  }

  #move(from: FaultyProcess, ...[partition, how, delaySteps]: Parameters<Moved>): void {
    const owned = this.#owners[partition]
    // Whoever lost it already loses nothing.
    if (owned?.process !== from) return
    if (how === 'lost') {
      this.#clock.after(delaySteps, owned.work.stop)
      this.#give(partition, from)
      return
    }
    owned.work.stop()
    const given = (): void => {
      if (this.#owners[partition] === owned) this.#give(partition, from)
    }
    owned.work.ended.then(given, () => undefined)
  }
}
