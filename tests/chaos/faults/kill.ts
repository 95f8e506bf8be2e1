import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engines.ts'
import { loopPoints, moments, takeOverPoints, type Order, type Point } from '../points.ts'
import type { World } from '../world.ts'
import { never, type Fault } from './fault.ts'

/** An engine that owns a partition comes to any point of the loop within this, even when it only just starts. */
const REACHED_WITHIN_MS = 60_000
const LOOK_MS = 10
export const UNREACHED = ', which it did not reach'

export const killAtRandom: Fault = {
  name: 'kill -9, any moment',
  share: 8,
  missing: never,
  async strike({ engines, random }, injected) {
    const one = random.pick(engines)
    await killed(one)
    injected()
    return one.name
  },
}

export const killAll: Fault = {
  name: 'kill -9 of every engine at once',
  share: 1,
  missing: never,
  async strike({ engines }, injected) {
    await Promise.all(engines.map(killed))
    injected()
    return 'all'
  },
}

export const killAtPoint: Fault = {
  name: 'kill -9 at a named point',
  share: 9,
  missing: never,
  async strike(world, injected) {
    const one = world.random.pick(world.engines)
    const { order, said } = orderOf(world, loopPoints, 'SIGKILL')
    one.order(order)
    return `${one.name} ${said}${await obeyed(one, 'SIGKILL', injected)}`
  },
}

/** Killed once to start anew, and once more while it takes partitions over. */
export const killInTakeOver: Fault = {
  name: 'kill -9 in a take-over',
  share: 2,
  missing: never,
  async strike(world, injected) {
    const one = world.random.pick(world.engines)
    const { order, said } = orderOf(world, takeOverPoints, 'SIGKILL')
    await one.restart(order)
    return `${one.name} ${said}${await obeyed(one, 'SIGKILL', injected)}`
  },
}

export function orderOf(
  { random }: World,
  points: readonly Point[],
  signal: Order['signal'],
): { readonly order: Order; readonly said: string } {
  const { name, text, skipMax } = random.pick(points)
  const when = random.pick(moments)
  return {
    order: { text, when, signal, skip: random.whole(0, skipMax) },
    said: `${when} "${name}"`,
  }
}

/** Empty when the point was reached, else that it was not; then it is the plain signal. */
export async function obeyed(
  one: Engine,
  signal: 'SIGKILL' | 'SIGSTOP',
  injected: () => void,
): Promise<string> {
  const patientUntil = performance.now() + REACHED_WITHIN_MS
  while (one.isOrdered()) {
    await delay(LOOK_MS)
    if (performance.now() < patientUntil) continue
    one.withdraw()
    one.kill(signal)
    injected()
    return UNREACHED
  }
  injected()
  return ''
}

async function killed(one: Engine): Promise<void> {
  const { ended } = one
  one.kill('SIGKILL')
  await ended()
}
