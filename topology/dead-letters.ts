/** `ledger.dead-letters`, for the operator: what was set aside and never decided, and how it is sent again. */
import type { KeyObject } from 'node:crypto'
import { open } from '../privacy/seal.ts'
import { commandCodec, deadLetterCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { DeadLetter, LedgerCommand } from '../schemas/types.ts'
import { deadLetterAad, decodeBatch } from './decode-batch.ts'
import type { Log, NewRecord, StoredRecord } from './log/log.ts'

export const DEAD_LETTERS = 'ledger.dead-letters'
const SLICE = { records: 500, bytes: 4 << 20 } as const

/** A dead letter and where it is in its topic. */
export type StoredLetter = {
  readonly partition: number
  readonly offset: bigint
  /** Log time of the letter itself, milliseconds since 1970 UTC. */
  readonly setAsideAt: number
  /** Key of the record that was set aside: a user id, if its producer meant well. */
  readonly key: Buffer
  readonly letter: DeadLetter
}

/** Every dead letter up to the present end, partition by partition, oldest first. */
export async function* deadLettersIn(log: Log): AsyncGenerator<StoredLetter> {
  for (let partition = 0; partition < log.partitions; partition++) {
    const place = { topic: DEAD_LETTERS, partition } as const
    const end = await log.end(place)
    // Retention removes the oldest.
    for (let position = await log.start(place); position < end;) {
      const { records, next } = await log.read(place, position, SLICE)
      for (const record of records) yield storedLetter(partition, record)
      position = next
    }
  }
}

export async function deadLetterAt(
  log: Log,
  partition: number,
  offset: bigint,
): Promise<StoredLetter | undefined> {
  if (partition >= log.partitions) return undefined
  const place = { topic: DEAD_LETTERS, partition } as const
  const { records } = await log.read(place, offset, { records: 1, bytes: 1 })
  const record = records.find((one) => one.offset === offset)
  return record === undefined ? undefined : storedLetter(partition, record)
}

function storedLetter(partition: number, record: StoredRecord): StoredLetter {
  const { offset, appendedAt: setAsideAt, key, value } = record
  return { partition, offset, setAsideAt, key, letter: deadLetterCodec.decode(value) }
}

/** The first bytes of the record that was set aside; all of them where `isWhole`. */
export function openLetter(operator: KeyObject, letter: DeadLetter): Buffer {
  try {
    return open(operator, letter.payload, deadLetterAad(letter, letter.offset))
  } catch (cause) {
    throw new SaldoError(
      'SALDO_KEY_UNAVAILABLE',
      'the dead letter does not open with this master key: use the master key it was sealed with',
      { retryable: false, cause },
    )
  }
}

/** What the bytes are as a command; of a parked one that was sent again, that one. Undefined where they are none. */
export function commandIn(bytes: Buffer): LedgerCommand | undefined {
  try {
    const command = commandCodec.decode(bytes)
    return command.body.type === 'ResumeCommand' ? commandIn(command.body.command) : command
  } catch {
    return undefined
  }
}

/** The record to append so that the command is decided, or the reason why there is none. */
export function sendAgain(
  letter: DeadLetter,
  bytes: Buffer,
  partitions: number,
  operator: KeyObject,
): { readonly command: LedgerCommand; readonly record: NewRecord } | { readonly problem: string } {
  if (letter.topic !== 'ledger.commands') {
    return { problem: `it comes from ${letter.topic}, and only commands can be sent again` }
  }
  if (bytes.length < letter.payloadLength) {
    return {
      problem: `only the first ${bytes.length} of its ${letter.payloadLength} bytes were kept: send the command again from where it came`,
    }
  }
  const command = commandIn(bytes)
  if (command === undefined) return { problem: 'this release cannot read it as a command' }
  const key = Buffer.from(command.userId)
  const value = commandCodec.encode(command)
  const partition = partitionOf(key, partitions)
  const record = { topic: 'ledger.commands', partition, key, value } as const
  // As an owner would see it: what would be set aside again has no answer to wait for.
  const { deadLetters } = decodeBatch(
    [{ ...record, offset: 0n, appendedAt: 0 }],
    record,
    partitions,
    operator,
  )
  const [again] = deadLetters
  if (again === undefined) return { command, record }
  return { problem: `it would be set aside again: ${deadLetterCodec.decode(again.value).detail}` }
}
