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

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Backends as they are now: a stage may open some. */
  async #backendsCpu(): Promise<number> {
    // The server's other processes have a type with a space in it: autovacuum worker, background writer.
    const backends = await backendsOf(this.#pool)
    return total(
      await backendCpu(
        backends.filter(({ name }) => !name.includes(' ') && !serverProcesses.has(name)),
      ),
    )
  }

  /** One stage at a time: what runs beside it would be counted with it. */
  async measure<T>(stage: string, work: () => T | Promise<T>): Promise<T> {
    const postgresql = await this.#backendsCpu()
    const node = ownCpu()
    const wall = performance.now()
    const result = await work()
    const cost = this.costs.get(stage) ?? { wall: 0, node: 0, postgresql: 0 }
    cost.wall += (performance.now() - wall) * 1000
    cost.node += ownCpu() - node
    cost.postgresql += (await this.#backendsCpu()) - postgresql
    this.costs.set(stage, cost)
    return result
  }
}
