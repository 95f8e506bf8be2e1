import { commandCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import { partitionOf } from '../schemas/partition.ts'
import { COMMAND_BYTES_MAX } from '../schemas/topics.ts'
import type { LedgerCommand } from '../schemas/types.ts'
import type { Log, NewRecord } from '../topology/log/log.ts'

const BATCH_RECORDS = 500

/** A command as a record of its partition; SALDO_RECORD_TOO_LARGE for one that the engine would set aside. */
export function recordOf(command: LedgerCommand, partitions: number): NewRecord {
  const key = Buffer.from(command.userId)
  const value = commandCodec.encode(command)
  if (value.length > COMMAND_BYTES_MAX) {
    throw new SaldoError(
      'SALDO_RECORD_TOO_LARGE',
      `a command has at most ${COMMAND_BYTES_MAX} bytes, this one has ${value.length}`,
    )
  }
  return { topic: 'ledger.commands', partition: partitionOf(key, partitions), key, value }
}

/** Collects records and appends them in batches, in order. */
export type Publisher = {
  /** Resolves when there is room for more. */
  publish(record: NewRecord): Promise<void>
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
    async publish(record) {
      batch.push(record)
      if (batch.length >= BATCH_RECORDS) await flush()
    },
    flush,
  }
}
