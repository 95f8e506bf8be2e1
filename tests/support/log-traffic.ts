/** Appends, commits and reads that go on while a test breaks things beneath them. */
import { SaldoError } from '../../schemas/errors.ts'
import type { GroupPlace, Lease, Log, Place } from '../../topology/log/log.ts'
import { record, texts } from '../contracts/log-records.ts'

const PATIENCE_MS = 150_000

export type Traffic = {
  /** Resolves when so many more were done than there are now. */
  more(count: number): Promise<void>
  /** Finishes what it began; answers how many were done. */
  end(): Promise<number>
}

/** The texts of the records of a traffic, in order. */
export function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${n}`)
}

/** Appends one record after the other, each when the one before is acknowledged. */
export function appends(log: Log, place: Place): Traffic {
  const producer = log.producer({ retryForMs: PATIENCE_MS })
  return traffic(async (done) => {
    await producer.append([record(`${done}`, place.topic, place.partition)])
    return done + 1
  })
}

/**
 * Commits one record after the other as an owner does, to `into` and with the offset of the group. After a failure it
 * takes the partition over again, which tells how many were committed.
 */
export function commits(log: Log, place: GroupPlace, into: Place): Traffic {
  let lease: Lease | undefined
  return traffic(async (done) => {
    try {
      if (lease === undefined) {
        lease = await log.acquire(place)
        return Number(lease.committed ?? 0n)
      }
      await lease.commit([record(`${done}`, into.topic, into.partition)], BigInt(done + 1))
      return done + 1
    } catch (error) {
      if (!mayPass(error)) throw error
      await lease?.release().catch(() => undefined)
      lease = undefined
      return done
    }
  })
}

/** Reads as a follower does; `seen` has every record that came, in the order in which they came. */
export function reads(log: Log, place: Place): Traffic & { readonly seen: readonly string[] } {
  const seen: string[] = []
  const never = new AbortController().signal
  let position = 0n
  const going = traffic(async () => {
    try {
      const slice = await log.read(place, position, { records: 7, bytes: 10_000 })
      seen.push(...texts(slice.records))
      if (slice.next === position) await log.arrival(place, position, never)
      position = slice.next
    } catch (error) {
      if (!mayPass(error)) throw error
    }
    return seen.length
  })
  return { ...going, seen }
}

function mayPass(error: unknown): boolean {
  return error instanceof SaldoError && error.retryable
}

/** Steps until it is ended or a step fails, which whoever waits for it is told. */
function traffic(step: (done: number) => Promise<number>): Traffic {
  let done = 0
  let isEnding = false
  let progress = Promise.withResolvers<void>()
  const run = async (): Promise<void> => {
    while (!isEnding) {
      done = await step(done)
      progress.resolve()
      progress = Promise.withResolvers()
    }
  }
  const running = run()
  // Whoever waits next is told.
  running.catch(() => undefined)
  return {
    async more(count) {
      for (const goal = done + count; done < goal;) await Promise.race([progress.promise, running])
    },
    async end() {
      isEnding = true
      await running
      return done
    },
  }
}
