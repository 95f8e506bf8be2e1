import { commandCodec } from '../schemas/codec.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { LedgerCommand } from '../schemas/types.ts'
import type { Log, NewRecord } from '../topology/log/log.ts'

const BATCH_RECORDS = 500

/** Collects commands and appends them in batches, in order. */
export type Publisher = {
  /** Resolves when there is room for more. */
  publish(command: LedgerCommand): Promise<void>
  /** Resolves when everything is durable. */
  flush(): Promise<void>
}

export function publisher(log: Log): Publisher {
  const producer = log.producer()
  let batch: NewRecord[] = []
  const flush = async (): Promise<void> => {
    const records = batch
    batch = []
    await producer.append(records)
  }
  return {
    async publish(command) {
      const key = Buffer.from(command.userId)
      const partition = partitionOf(key, log.partitions)
      batch.push({ topic: 'ledger.commands', partition, key, value: commandCodec.encode(command) })
      if (batch.length >= BATCH_RECORDS) await flush()
    },
    flush,
  }
}
