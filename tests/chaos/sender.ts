import { randomUUID } from 'node:crypto'
import { recordOf } from '../../connectors/command-record.ts'
import { commandFromJson } from '../../connectors/command-json.ts'
import type { Log, NewRecord } from '../../topology/log/log.ts'
import { householdModel, type Verdict } from '../support/household-model.ts'
import type { Traffic } from '../support/household-traffic.ts'

/** A command as it was sent, and what a model that has only seen what was sent answers to it. */
export type Sent = { readonly command: Traffic; readonly expected: Verdict }

export type Sender = {
  /** By partition, in the order of the log: the index is the offset. */
  readonly sent: readonly (readonly Sent[])[]
  /** Sent, or on their way. */
  count(): number
  /** Minor units by user and account. */
  balances(): ReadonlyMap<string, bigint>
  /** Sends up to so many in all, and no more; resolves when they are durable. One call at a time. */
  sendUpTo(total: number): Promise<void>
}

const APPEND_RECORDS = 200
/** Longer than PostgreSQL takes to come back from anything that is done to it. */
const PATIENCE_MS = 120_000

/** The only producer of a fresh log. An append stores once whatever happens to it, so offsets are known beforehand. */
export function sender(log: Log, traffic: readonly Traffic[]): Sender {
  const producer = log.producer({ retryForMs: PATIENCE_MS })
  const model = householdModel()
  const sent: Sent[][] = Array.from({ length: log.partitions }, () => [])
  let position = 0
  return {
    sent,
    count: () => position,
    balances: model.balances,
    async sendUpTo(total) {
      const goal = Math.min(total, traffic.length)
      while (position < goal) {
        const commands = traffic.slice(position, Math.min(position + APPEND_RECORDS, goal))
        const records: NewRecord[] = []
        for (const command of commands) {
          const wish = commandFromJson(command, { now: Date.now(), newId: randomUUID })
          const record = recordOf(wish, log.partitions)
          records.push(record)
          sent[record.partition]?.push({ command, expected: model.answer(command) })
        }
        position += commands.length
        await producer.append(records)
      }
    },
  }
}
