import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { recordOf } from '../../connectors/command-record.ts'
import { commandFromJson } from '../../connectors/command-json.ts'
import { SaldoError } from '../../schemas/errors.ts'
import type { Log, NewRecord } from '../../topology/log/log.ts'
import type { Traffic } from '../support/household-traffic.ts'

/**
 * What one append sent to one partition. Appended once it is there once, in this order; an append that failed and was
 * tried again may be there as often as it was tried.
 */
export type Chunk = { readonly commands: readonly Traffic[]; readonly tries: number }

export type Sender = {
  /** By partition, in the order of the log. */
  readonly sent: readonly (readonly Chunk[])[]
  /** Sent, or on their way. */
  count(): number
  /** Durable in a partition. */
  countIn(partition: number): number
  /** Sends up to so many in all, and no more; resolves when they are durable. One call at a time. */
  sendUpTo(total: number): Promise<void>
}

const APPEND_RECORDS = 200
/** Longer than a server takes to come back from anything that is done to it. */
const PATIENCE_MS = 120_000
const AGAIN_AFTER_MS = 200

/** The only producer of commands beside the engine's clock. */
export function sender(log: Log, traffic: readonly Traffic[]): Sender {
  const producer = log.producer({ retryForMs: PATIENCE_MS })
  const sent: Chunk[][] = Array.from({ length: log.partitions }, () => [])
  const durable = sent.map(() => 0)
  let position = 0
  return {
    sent,
    count: () => position,
    countIn: (partition) => durable[partition] ?? 0,
    async sendUpTo(total) {
      const goal = Math.min(total, traffic.length)
      while (position < goal) {
        const commands = traffic.slice(position, Math.min(position + APPEND_RECORDS, goal))
        const records = commands.map((command) => {
          const wish = commandFromJson(command, { now: Date.now(), newId: randomUUID })
          return recordOf(wish, log.partitions)
        })
        position += commands.length
        const tries = await append(records)
        sent.forEach((chunks, partition) => {
          const own = commands.filter((_, index) => records[index]?.partition === partition)
          if (own.length > 0) chunks.push({ commands: own, tries })
          durable[partition] = (durable[partition] ?? 0) + own.length
        })
      }
    },
  }

  /** As a producer does that wants an answer to each command: again under the same ids. Gives how often it was tried. */
  async function append(records: readonly NewRecord[]): Promise<number> {
    const until = performance.now() + PATIENCE_MS
    for (let tries = 1; ; tries++) {
      try {
        await producer.append(records)
        return tries
      } catch (error) {
        const isPassing = error instanceof SaldoError && error.retryable
        if (!isPassing || performance.now() > until) throw error
        await delay(AGAIN_AFTER_MS)
      }
    }
  }
}
