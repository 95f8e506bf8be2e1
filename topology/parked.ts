/** `ledger.parked`: commands of parked ledgers, in their order, sealed with the key of their user. */
import type { PreparedCommand } from '../actors/answer.ts'
import { open, seal } from '../privacy/seal.ts'
import type { SubjectKey, SubjectKeyOrShredded } from '../privacy/subject-key.ts'
import { parkedCommandCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { ParkedCommand } from '../schemas/types.ts'
import type { BatchLimit, Log, NewRecord, Place, Slice, StoredRecord } from './log/log.ts'

const SLICE = { records: 1_000, bytes: 4 << 20 } as const

export function parkedRecord(
  key: SubjectKey,
  { command, partition }: PreparedCommand,
  record: StoredRecord,
): NewRecord {
  const place = { userId: command.userId, commandOffset: Number(record.offset) }
  const value = parkedCommandCodec.encode({
    ...place,
    commandId: command.commandId,
    recordedAt: record.appendedAt,
    payload: seal(key.sealing, record.value, aadOf(place)),
  })
  return { topic: 'ledger.parked', partition, key: record.key, value }
}

/** The value of the command record as it was sent. */
export function openParked(key: SubjectKey, parked: ParkedCommand): Buffer {
  return open(key.sealing, parked.payload, aadOf(parked))
}

function aadOf({ userId, commandOffset }: Pick<ParkedCommand, 'userId' | 'commandOffset'>): string {
  return `parked|${userId}|${commandOffset}`
}

/** Reads what was set aside of one ledger, in order, from portion to portion. */
export class ParkedReader {
  readonly #log: Log
  readonly #key: Buffer
  readonly #place: Place
  #position = 0n
  #read: ParkedCommand[] = []

  constructor(log: Log, userId: string) {
    this.#log = log
    this.#key = Buffer.from(userId)
    const partition = partitionOf(this.#key, log.partitions)
    this.#place = { topic: 'ledger.parked', partition }
  }

  /** The next ones behind this offset in the commands, up to the present end; at least one where there is one. */
  async next(most: BatchLimit, through: number): Promise<readonly ParkedCommand[]> {
    const end = await this.#log.end(this.#place)
    const portion: ParkedCommand[] = []
    let bytes = 0
    while (portion.length < most.records && bytes < most.bytes) {
      const parked = this.#read.shift()
      if (parked === undefined) {
        if (this.#position >= end) break
        await this.#readOn()
      } else if (parked.commandOffset > through) {
        portion.push(parked)
        bytes += parked.payload.length
      }
    }
    return portion
  }

  async #readOn(): Promise<void> {
    const { records, next } = await readKept(this.#log, this.#place, this.#position)
    this.#position = next
    this.#read = records
      .filter(({ key }) => key.equals(this.#key))
      .map(({ value }) => parkedCommandCodec.decode(value))
  }
}

/** Adds to each `UnparkLedger` what it is decided by. Everything that was set aside before this batch is committed. */
export async function withLastParked(
  log: Log,
  partition: number,
  commands: readonly PreparedCommand[],
): Promise<readonly PreparedCommand[]> {
  const last = new Map<string, number>()
  for await (const { value } of recordsOf(log, { topic: 'ledger.parked', partition })) {
    const { userId, commandOffset } = parkedCommandCodec.decode(value)
    last.set(userId, commandOffset)
  }
  return commands.map((one) => {
    const lastParked = last.get(one.command.userId)
    return lastParked === undefined ? one : { ...one, lastParked }
  })
}

/** Reads on, or from the start where that is later: what has left the log is done with. */
export async function readKept(log: Log, place: Place, position: bigint): Promise<Slice> {
  for (;;) {
    const start = await log.start(place)
    try {
      return await log.read(place, position < start ? start : position, SLICE)
    } catch (error) {
      // More has left since.
      if (!(error instanceof SaldoError && error.code === 'SALDO_RECORDS_REMOVED')) throw error
    }
  }
}

async function* recordsOf(log: Log, place: Place): AsyncGenerator<StoredRecord> {
  const end = await log.end(place)
  for (let position = 0n; position < end;) {
    const { records, next } = await readKept(log, place, position)
    for (const record of records) if (record.offset < end) yield record
    position = next
  }
}

/** A key that is there: an erased ledger is refused before it could be parked. */
export function presentKey(key: SubjectKeyOrShredded | undefined): SubjectKey {
  if (key === undefined || key === 'shredded') throw new Error('a parked ledger has a key')
  return key
}
