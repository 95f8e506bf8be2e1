import { outcomeCodec } from '../schemas/codec.ts'
import type { Outcome } from '../schemas/types.ts'
import type { Log } from '../topology/log/log.ts'

const SLICE = { records: 5000, bytes: 4_000_000 }

/** Tells the answers to commands that are sent after it was opened. */
export type OutcomeFollower = {
  /** Resolves with the next answer to this command id. Call before the command is appended. */
  next(commandId: string): Promise<Outcome>
  close(): Promise<void>
}

/** Follows `ledger.outcomes` from its present end. */
export async function followOutcomes(log: Log): Promise<OutcomeFollower> {
  const waiting = new Map<string, ((outcome: Outcome) => void)[]>()
  const stop = new AbortController()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined)
  const follow = async ({ partition, from, after }: Follow): Promise<void> => {
    const place = { topic: 'ledger.outcomes', partition } as const
    let position = from
    while (!stop.signal.aborted) {
      const { records, next } = await log.read(place, position, SLICE)
      position = next
      if (records.length === 0) await log.arrival(place, position, stop.signal)
      for (const { value } of records) {
        const outcome = outcomeCodec.decode(value)
        // The same command may have been sent before and be waiting still: that answer is not ours.
        if (BigInt(outcome.commandOffset) < after) continue
        const [first, ...others] = waiting.get(outcome.commandId) ?? []
        if (others.length === 0) waiting.delete(outcome.commandId)
        else waiting.set(outcome.commandId, others)
        first?.(outcome)
      }
    }
  }
  const starts = await Promise.all(
    Array.from({ length: log.partitions }, async (_, partition) => ({
      partition,
      from: await log.end({ topic: 'ledger.outcomes', partition }),
      after: await log.end({ topic: 'ledger.commands', partition }),
    })),
  )
  const followers = starts.map(follow)
  for (const follower of followers) follower.catch(failed.reject)
  return {
    next(commandId) {
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      waiting.set(commandId, [...(waiting.get(commandId) ?? []), resolve])
      return Promise.race([promise, failed.promise])
    },
    async close() {
      stop.abort()
      await Promise.allSettled(followers)
    },
  }
}

type Follow = {
  readonly partition: number
  readonly from: bigint
  /** Offset of the first command that can be ours. */
  readonly after: bigint
}
