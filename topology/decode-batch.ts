/** Records of `ledger.commands` → commands with what needs no state, or dead letters. Nothing is lost, nothing throws. */
import { hash, type KeyObject } from 'node:crypto'
import type { PreparedCommand } from '../actors/answer.ts'
import { candidatesOf, type Candidates } from '../actors/categoriser/candidates.ts'
import { UNCATEGORIZED } from '../schemas/built-in-categories.ts'
import { seal } from '../privacy/seal.ts'
import { commandCodec, deadLetterCodec } from '../schemas/codec.ts'
import { isId } from '../schemas/ids.ts'
import { partitionOf } from '../schemas/partition.ts'
import { COMMAND_BYTES_MAX } from '../schemas/topics.ts'
import type { LedgerCommand, ResumeCommand } from '../schemas/types.ts'
import type { NewRecord, Place, StoredRecord } from './log/log.ts'

const PAYLOAD_BYTES_KEPT = 16 * 1024
/** The envelope around a command that is sent again: it may be as large as any. */
const RESUMED_BYTES_MORE = 1024

export type DeadLetterCause = 'unreadable' | 'wrong-partition' | 'too-large' | 'failed'

export type DecodedBatch = {
  readonly commands: readonly PreparedCommand[]
  readonly deadLetters: readonly NewRecord[]
}

export function decodeBatch(
  records: readonly StoredRecord[],
  place: Place,
  partitions: number,
  operator: KeyObject,
  budgetThresholds?: readonly number[],
): DecodedBatch {
  const commands: PreparedCommand[] = []
  const deadLetters: NewRecord[] = []
  for (const record of records) {
    const decoded = decode(record, place.partition, partitions)
    if ('cause' in decoded) {
      deadLetters.push(deadLetter(record, place, decoded.cause, decoded.detail, operator))
    } else {
      commands.push({
        ...decoded,
        command: withThresholds(decoded.command, budgetThresholds),
        partition: place.partition,
        offset: record.offset,
        recordedAt: record.appendedAt,
        ...candidatesFor(decoded.command),
      })
    }
  }
  return { commands, deadLetters }
}

/** What a budget that names no thresholds gets here; it stands in the event, so another setting changes no old budget. */
function withThresholds(
  command: LedgerCommand,
  thresholds: readonly number[] | undefined,
): LedgerCommand {
  const { body } = command
  if (thresholds === undefined || body.type !== 'SetBudget' || body.thresholds !== null)
    return command
  return { ...command, body: { ...body, thresholds } }
}

type Decoded = Pick<PreparedCommand, 'command' | 'resumed'>
type Undecodable = { readonly cause: DeadLetterCause; readonly detail: string }

function decode(
  { key, value }: StoredRecord,
  partition: number,
  partitions: number,
): Decoded | Undecodable {
  if (value.length > COMMAND_BYTES_MAX + RESUMED_BYTES_MORE) return TOO_LARGE
  let command: LedgerCommand
  try {
    command = commandCodec.decode(value)
  } catch (error) {
    return { cause: 'unreadable', detail: error instanceof Error ? error.message : 'unreadable' }
  }
  if (!isId(command.userId)) return { cause: 'unreadable', detail: 'the user id is not an id' }
  if (!isId(command.commandId))
    return { cause: 'unreadable', detail: 'the command id is not an id' }
  if (!isId(command.initiator.id))
    return { cause: 'unreadable', detail: 'the initiator id is not an id' }
  if (key.toString() !== command.userId) {
    return { cause: 'wrong-partition', detail: 'the key is not the user id' }
  }
  if (partitionOf(key, partitions) !== partition) {
    return { cause: 'wrong-partition', detail: 'the key belongs to another partition' }
  }
  if (command.body.type === 'ResumeCommand') return resumedOf(command, command.body)
  return value.length > COMMAND_BYTES_MAX ? TOO_LARGE : { command }
}

/** What is sent again is decided under its own name, and only in the ledger that it was sent to. */
function resumedOf(
  { userId }: LedgerCommand,
  { command: value, parkedSequence, commandOffset }: ResumeCommand,
): Decoded | Undecodable {
  try {
    const command = commandCodec.decode(value)
    if (command.userId === userId && command.body.type !== 'ResumeCommand') {
      return { command, resumed: { parkedSequence, commandOffset } }
    }
  } catch {
    // Told below: it was readable when it was parked.
  }
  return { cause: 'unreadable', detail: 'what it sends again is not a command of this ledger' }
}

const TOO_LARGE: Undecodable = {
  cause: 'too-large',
  detail: `a command has at most ${COMMAND_BYTES_MAX} bytes`,
}

const NO_CANDIDATES: Candidates = {
  merchant: null,
  categoryId: UNCATEGORIZED,
  confidence: 0,
  source: 'fallback',
  alternatives: [],
  modelVersion: '',
}

/** A fault of the categoriser is one of this command alone: it fails, and its ledger is parked as after a fault of a rule. */
function candidatesFor({ body }: LedgerCommand): Pick<PreparedCommand, 'candidates' | 'fault'> {
  if (body.type !== 'RecordTransaction') return { candidates: NO_CANDIDATES }
  try {
    return { candidates: candidatesOf(body) }
  } catch (cause) {
    return { candidates: NO_CANDIDATES, fault: new Error('the categoriser failed', { cause }) }
  }
}

/** What was set aside opens only with the place that it was in. */
export function deadLetterAad(
  { topic, partition }: { readonly topic: string; readonly partition: number },
  offset: bigint | number,
): string {
  return `dead letter|${topic}|${partition}|${offset}`
}

/** The record itself goes along, truncated and sealed for the operator: commands are in clear, dead letters are not. */
export function deadLetter(
  record: StoredRecord,
  { topic, partition }: Place,
  cause: DeadLetterCause,
  detail: string,
  operator: KeyObject,
): NewRecord {
  const value = deadLetterCodec.encode({
    cause,
    detail,
    topic,
    partition,
    offset: Number(record.offset),
    recordedAt: record.appendedAt,
    payloadHash: hash('sha256', record.value, 'buffer'),
    payloadLength: record.value.length,
    payload: seal(
      operator,
      record.value.subarray(0, PAYLOAD_BYTES_KEPT),
      deadLetterAad({ topic, partition }, record.offset),
    ),
  })
  return { topic: 'ledger.dead-letters', partition, key: record.key, value }
}
