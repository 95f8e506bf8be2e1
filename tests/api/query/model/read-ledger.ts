import { openEvent } from '../../../../privacy/personal.ts'
import { eventCodec, outcomeCodec } from '../../../../schemas/codec.ts'
import type { TopicName } from '../../../../schemas/topics.ts'
import type { Engine } from '../../../support/engine.ts'
import type { Ledger } from './ledger.ts'

/** What the log holds of a user now, opened. */
export async function ledgerOf({ log, keys }: Engine, userId: string): Promise<Ledger> {
  const key = (await keys.existingKeysOf([userId])).get(userId)
  const values = async (topic: TopicName): Promise<readonly Buffer[]> => {
    const found: Buffer[] = []
    for (let partition = 0; partition < log.partitions; partition++) {
      const end = await log.end({ topic, partition })
      for (let position = 0n; position < end;) {
        const limit = { records: 5_000, bytes: 1 << 24 }
        const { records, next } = await log.read({ topic, partition }, position, limit)
        for (const record of records) {
          if (record.key?.toString() === userId) found.push(record.value)
        }
        position = next
      }
    }
    return found
  }
  const events = await values('ledger.events')
  const outcomes = await values('ledger.outcomes')
  return {
    events: events.map((value) => openEvent(key, eventCodec.decode(value))),
    outcomes: outcomes.map((value) => outcomeCodec.decode(value)),
  }
}
