/**
 * Several processes and who of them should own which partition: leases as they are seen from outside, where a
 * partition moves at once and its old owner hears of it later, or first drains and then moves.
 */
import type { FaultyProcess, Moved, StepClock, Work } from './faulty-engine.ts'

type Owned = { readonly process: FaultyProcess; readonly work: Work }

export class Cluster {
  readonly #clock: StepClock
  readonly #start: (moved: Moved) => FaultyProcess
  readonly #sizeMin: number
  readonly #owners: (Owned | undefined)[]
  readonly #started: FaultyProcess[] = []
  readonly #works: Work[] = []
  #next = 0
  #failed = false

  constructor(options: {
    readonly partitions: number
    readonly processes: number
    readonly clock: StepClock
    readonly start: (moved: Moved) => FaultyProcess
  }) {
    this.#clock = options.clock
    this.#start = options.start
    this.#sizeMin = options.processes
    this.#owners = Array.from({ length: options.partitions }, () => undefined)
  }

  /** A process gave up, which must not happen; `ended` says why. */
  get failed(): boolean {
    return this.#failed
  }

  /** Gives every partition that nobody works on an owner. Call at every turn. */
  tend(): void {
    for (const [partition, owned] of this.#owners.entries()) {
      if (owned?.process.isOver() !== false) this.#give(partition)
    }
  }

  /** Ends every process, whoever is still held up too. */
  async end(): Promise<void> {
    this.#clock.releaseAll()
    for (const process of this.#started) process.stop()
    await Promise.all(this.#works.map(({ ended }) => ended))
  }

  #give(partition: number, but?: FaultyProcess): void {
    const process = this.#living(but)
    const work = process.own(partition)
    work.ended.catch(() => {
      this.#failed = true
    })
    this.#works.push(work)
    this.#owners[partition] = { process, work }
  }

  #living(but: FaultyProcess | undefined): FaultyProcess {
    let living = this.#started.filter((process) => !process.isOver())
    while (living.length < this.#sizeMin) {
      const process = this.#start((...moved) => this.#move(process, ...moved))
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
