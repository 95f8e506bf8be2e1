/** What each stage costs while nothing else runs: time that passes, CPU of this process, CPU of the backends. */
import type { Pool } from 'pg'
import { backendCpu, backendsOf, ownCpu, total } from './cpu.ts'

/** Microseconds. */
export type Cost = { wall: number; node: number; postgresql: number }

/** What these do, they do for all stages. */
const serverProcesses: ReadonlySet<string> = new Set(['checkpointer', 'walwriter'])

export class StageClock {
  readonly costs = new Map<string, Cost>()
  readonly #pool: Pool
  #backends: Awaited<ReturnType<typeof backendsOf>> = []

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Looks for backends that were opened since. Never inside a stage. */
  async refresh(): Promise<void> {
    // The server's other processes have a type with a space in it: autovacuum worker, background writer.
    this.#backends = (await backendsOf(this.#pool)).filter(
      ({ name }) => !name.includes(' ') && !serverProcesses.has(name),
    )
  }

  /** One stage at a time: what runs beside it would be counted with it. */
  async measure<T>(stage: string, work: () => T | Promise<T>): Promise<T> {
    const postgresql = total(await backendCpu(this.#backends))
    const node = ownCpu()
    const wall = performance.now()
    const result = await work()
    const cost = this.costs.get(stage) ?? { wall: 0, node: 0, postgresql: 0 }
    cost.wall += (performance.now() - wall) * 1000
    cost.node += ownCpu() - node
    cost.postgresql += total(await backendCpu(this.#backends)) - postgresql
    this.costs.set(stage, cost)
    return result
  }
}
