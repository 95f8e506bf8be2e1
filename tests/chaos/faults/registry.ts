import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from './fault.ts'

const NOT_REACHABLE = 3
const AWAY_MS = [1_000, 4_000] as const

/** Who runs does not need it; who starts meanwhile says so, ends, and is started again. */
export const registryAway: Fault = {
  name: 'the schema registry is away, while engines run and while one starts',
  share: 1,
  missing: ({ registry }) => (registry === undefined ? 'there is no registry' : undefined),
  async strike({ engines, problems, random, registry }, injected) {
    await registry?.shut()
    injected()
    await delay(random.whole(...AWAY_MS))
    const one = random.pick(engines)
    const failed = one.failedStart()
    one.kill('SIGKILL')
    injected()
    const code = await failed
    if (code !== NOT_REACHABLE) problems.push(`${one.name} ended with ${code} without a registry`)
    await registry?.open()
    await one.up()
    return `${one.name} ended with ${code}`
  },
}
