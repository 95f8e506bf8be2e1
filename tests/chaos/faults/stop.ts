import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engines.ts'
import { loopPoints } from '../points.ts'
import type { World } from '../world.ts'
import { never, type Fault } from './fault.ts'
import { orderOf, whenObeyed } from './kill.ts'

// A heartbeat counts as missed after 5 s, and a transaction that idles ends after 5 s; a connection is waited for 30 s.
const BEYOND_LEASE_MS = [6_000, 9_000] as const
const BEYOND_EVERYTHING_MS = [31_000, 34_000] as const
const LONG = 0.1

export const stopAtRandom: Fault = {
  name: 'SIGSTOP beyond the time-outs, then SIGCONT',
  share: 2,
  missing: never,
  async strike(world, injected) {
    const one = world.random.pick(world.engines)
    one.kill('SIGSTOP')
    injected()
    return `${one.name} for ${await heldUp(world, one)} ms`
  },
}

export const stopAtPoint: Fault = {
  name: 'SIGSTOP at a named point, then SIGCONT',
  share: 2,
  missing: never,
  async strike(world, injected) {
    const one = world.random.pick(world.engines)
    const { order, said } = orderOf(world, loopPoints, 'SIGSTOP')
    one.order(order)
    const reached = await whenObeyed(one, 'SIGSTOP')
    injected()
    return `${one.name} ${said}${reached} for ${await heldUp(world, one)} ms`
  },
}

async function heldUp({ random, isShort }: World, one: Engine): Promise<number> {
  const [from, to] = !isShort && random.chance(LONG) ? BEYOND_EVERYTHING_MS : BEYOND_LEASE_MS
  const ms = isShort ? from : random.whole(from, to)
  await delay(ms)
  one.kill('SIGCONT')
  return ms
}

export const drain: Fault = {
  name: 'SIGTERM: drained, then started again',
  share: 1,
  missing: never,
  async strike({ engines, random }, injected) {
    const one = random.pick(engines)
    injected()
    await one.drain()
    await one.start()
    return one.name
  },
}
