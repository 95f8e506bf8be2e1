import { commandCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import { partitionOf } from '../schemas/partition.ts'
import { COMMAND_BYTES_MAX } from '../schemas/topics.ts'
import type { LedgerCommand } from '../schemas/types.ts'
import type { NewRecord } from '../topology/log/log.ts'

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
