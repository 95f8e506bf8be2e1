import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engines.ts'
import { kafkaCommit, loopPoints, moments } from '../points.ts'
import type { World } from '../world.ts'
import { never, type Fault } from './fault.ts'
import { obeyed, orderOf } from './kill.ts'

// A heartbeat counts as missed after 5 s, and a transaction that idles ends after 5 s; a connection is waited for 30 s.
const BEYOND_LEASE_MS = [6_000, 9_000] as const
const BEYOND_EVERYTHING_MS = [31_000, 34_000] as const
// A transaction that its owner does not end is ended by the broker after 15 s.
const BEYOND_TRANSACTIONS_MS = [17_000, 22_000] as const
const LONG = 0.1
const PAUSE_MS_MAX = 8_000

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
    const reached = await obeyed(one, 'SIGSTOP', injected)
    return `${one.name} ${said}${reached} for ${await heldUp(world, one)} ms`
  },
}

/** Its transaction is aborted by then and its partitions are another's: a zombie that goes on where it was. */
export const zombie: Fault = {
  name: 'SIGSTOP beyond lease and transaction time-outs, then SIGCONT',
  share: 1,
  missing: never,
  async strike(world, injected) {
    const { random } = world
    const one = random.pick(world.engines)
    const { name, text, skipMax } = random.pick(kafkaCommit)
    const when = random.pick(moments)
    one.order({ text, when, signal: 'SIGSTOP', skip: random.whole(0, skipMax) })
    const reached = await obeyed(one, 'SIGSTOP', injected)
    const ms = random.whole(...BEYOND_TRANSACTIONS_MS)
    await delay(ms)
    one.kill('SIGCONT')
    return `${one.name} ${when} ${name}${reached} for ${ms} ms`
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

/** One after the other, while the rest work. */
export const rollingRestart: Fault = {
  name: 'rolling restart of every engine (SIGTERM)',
  share: 1,
  missing: never,
  async strike({ engines }, injected) {
    for (const one of engines) {
      injected()
      await one.drain()
      await one.start()
      await one.up()
    }
    return `${engines.length} engines`
  },
}

/** Engines come and go for so long: drained, killed, started, never all away. */
export function joinAndLeave(minutes: number): Fault {
  return {
    name: `engines join and leave at random for ${minutes} minutes`,
    share: 1,
    missing: never,
    async strike({ engines, random }, injected) {
      const until = performance.now() + minutes * 60_000
      const away = new Set<Engine>()
      let [left, killed] = [0, 0]
      while (performance.now() < until) {
        const one = random.pick(engines)
        if (away.delete(one)) {
          await one.start()
        } else if (away.size + 1 < engines.length && random.chance(0.6)) {
          injected()
          away.add(one)
          await one.drain()
          left++
        } else {
          one.kill('SIGKILL')
          injected()
          killed++
        }
        await delay(random.whole(0, PAUSE_MS_MAX))
      }
      await Promise.all([...away].map((one) => one.start()))
      return `${left} drained and started again, ${killed} killed`
    },
  }
}
