import { setTimeout as delay } from 'node:timers/promises'
import type { Log, Place } from '../../topology/log/log.ts'
import type { Sender } from './sender.ts'

/** Sees outcomes come, and how long they stayed away. */
export type Watch = {
  /** Outcomes seen so far. */
  count(): number
  /**
   * Milliseconds from now until every partition with commands that wait has an outcome that was appended after now;
   * undefined when none had to wait.
   */
  recovery(sent: Pick<Sender, 'countIn'>): Promise<number | undefined>
  stop(): Promise<void>
}

type Measurement = {
  readonly at: number
  /** Partitions that had work, with how many commands they have had. */
  readonly waiting: Map<number, number>
  slowest: number | undefined
  readonly done: (ms: number | undefined) => void
}

const LOOK_MS = 50
const SLICE = { records: 2_000, bytes: 1_000_000 }

export function watchOutcomes(log: Log): Watch {
  const seen = Array.from({ length: log.partitions }, () => 0)
  const stop = new AbortController()
  let measurements: readonly Measurement[] = []

  const settle = (): void => {
    for (const one of measurements) if (one.waiting.size === 0) one.done(one.slowest)
    measurements = measurements.filter(({ waiting }) => waiting.size > 0)
  }
  const look = async (place: Place, position: bigint): Promise<bigint> => {
    const { partition } = place
    const { records, next } = await log.read(place, position, SLICE)
    seen[partition] = (seen[partition] ?? 0) + records.length
    for (const one of measurements) {
      const goal = one.waiting.get(partition)
      if (goal === undefined) continue
      const isNew = records.some(({ appendedAt }) => appendedAt >= one.at)
      if (isNew) one.slowest = Math.max(one.slowest ?? 0, Date.now() - one.at)
      // What waited for an answer may have had it, and was only not seen.
      if (isNew || (seen[partition] ?? 0) >= goal) one.waiting.delete(partition)
    }
    settle()
    return next
  }
  const follow = async (partition: number): Promise<void> => {
    const place = { topic: 'ledger.outcomes', partition } as const
    let position = 0n
    while (!stop.signal.aborted) {
      // Nothing is to be seen while what is watched does not answer.
      position = await look(place, position).catch(() => position)
      await delay(LOOK_MS, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  }
  const followed = Promise.all(seen.map((_, partition) => follow(partition)))
  return {
    count: () => seen.reduce((sum, one) => sum + one, 0),
    recovery(sent) {
      const { promise, resolve } = Promise.withResolvers<number | undefined>()
      const waiting = new Map(
        seen.flatMap((answered, partition) => {
          const goal = sent.countIn(partition)
          return goal > answered ? [[partition, goal] as const] : []
        }),
      )
      measurements = [
        ...measurements,
        { at: Date.now(), waiting, slowest: undefined, done: resolve },
      ]
      settle()
      return promise
    },
    async stop() {
      stop.abort()
      await followed
    },
  }
}
