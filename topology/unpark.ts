/**
 * Sends the parked commands of a ledger again, in their order, and unparks it.
 *
 * Invariant: each parked command takes effect once and before every command that came later, whoever stops wherever.
 * A portion is sent as `ResumeCommand`s and an `UnparkLedger` behind them. Meanwhile new commands stay parked, so only
 * what is sent here is decided. After a stop the portion that was not acknowledged by an event is sent again: it is
 * smaller than the window of remembered command ids, so what was accepted is answered as `duplicate`. Records and
 * outcomes may be there twice, events may not. The ledger is unparked only when nothing is parked behind the last one.
 */
import { evolveParking } from '../actors/root/parking.ts'
import type { SubjectKey } from '../privacy/subject-key.ts'
import { commandCodec, outcomeCodec } from '../schemas/codec.ts'
import { partitionOf } from '../schemas/partition.ts'
import type {
  LedgerCommandBody,
  Outcome,
  ParkedCommand,
  Parking,
  Verdict,
} from '../schemas/types.ts'
import type { Log, NewRecord } from './log/log.ts'
import { openParked, ParkedReader } from './parked.ts'
import { decodeEvent } from './restore.ts'
import type { ReaderKeys } from './table-reader.ts'

const SLICE = { records: 5_000, bytes: 4 << 20 } as const
/** Far fewer than the window remembers. */
const PORTION = { records: 100, bytes: 1 << 20 } as const

export type UnparkDeps = {
  readonly log: Log
  readonly keys: ReaderKeys
  readonly userId: string
  readonly newId: () => string
  readonly now: () => number
  readonly portion?: { readonly records: number; readonly bytes: number }
}

export type UnparkResult = {
  /** `parked-again`: the engine failed on one of the commands, and those behind it still wait. */
  readonly end: 'unparked' | 'not-parked' | 'parked-again' | 'erased'
  /** How the commands that were sent again were answered. */
  readonly answers: { readonly [verdict in Verdict]?: number }
}

export async function unpark(deps: UnparkDeps): Promise<UnparkResult> {
  const { log, userId, portion = PORTION } = deps
  const answers = new Map<Verdict, number>()
  const result = (end: UnparkResult['end']): UnparkResult => ({
    end,
    answers: Object.fromEntries(answers),
  })
  const history = new ParkingHistory(log, userId)
  const first = await history.parking()
  if (first === null) return result('not-parked')
  const key = (await deps.keys.existingKeysOf([userId])).get(userId)
  if (key === undefined || key === 'shredded') return result('erased')
  const parked = new ParkedReader(log, userId)
  const producer = log.producer()
  for (let parking: Parking | null = first; ;) {
    const records = nextPortion(deps, key, parking, await parked.next(portion, parking.through))
    const from = await log.end({ topic: 'ledger.outcomes', partition: history.partition })
    await producer.append(records)
    const unparking = await answersOf(log, from, records, answers)
    if (unparking.code === 'ledger-erased') return result('erased')
    parking = await history.parking()
    if (parking === null) return result('unparked')
    if (parking.sequence !== first.sequence) return result('parked-again')
  }
}

function nextPortion(
  { log, userId, newId, now }: UnparkDeps,
  key: SubjectKey,
  { sequence, through }: Parking,
  parked: readonly ParkedCommand[],
): readonly NewRecord[] {
  const partition = partitionOf(Buffer.from(userId), log.partitions)
  const record = (body: LedgerCommandBody): NewRecord => ({
    topic: 'ledger.commands',
    partition,
    key: Buffer.from(userId),
    value: commandCodec.encode({
      commandId: newId(),
      userId,
      issuedAt: now(),
      expectedVersion: null,
      initiator: { kind: 'operator', id: 'unpark' },
      traceparent: null,
      body,
    }),
  })
  return [
    ...parked.map((one) =>
      record({
        type: 'ResumeCommand',
        parkedSequence: sequence,
        commandOffset: one.commandOffset,
        command: openParked(key, one),
      }),
    ),
    record({
      type: 'UnparkLedger',
      parkedSequence: sequence,
      through: parked.at(-1)?.commandOffset ?? through,
    }),
  ]
}

/** Waits for the answer to the last of these records, and counts those to the others. */
async function answersOf(
  log: Log,
  from: bigint,
  records: readonly NewRecord[],
  counts: Map<Verdict, number>,
): Promise<Outcome> {
  const ids = new Set(records.map(({ value }) => decidedIdOf(value)))
  const last = commandCodec.decode(records.at(-1)?.value ?? Buffer.alloc(0))
  const partition = partitionOf(Buffer.from(last.userId), log.partitions)
  const place = { topic: 'ledger.outcomes', partition } as const
  for (let position = from; ;) {
    const slice = await log.read(place, position, SLICE)
    position = slice.next
    for (const { value } of slice.records) {
      const outcome = outcomeCodec.decode(value)
      const { commandId, verdict, code } = outcome
      if (commandId === last.commandId) return outcome
      if (!ids.has(commandId) || verdict === 'parked' || code === 'parking-changed') continue
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
    }
    if (slice.records.length === 0) {
      await log.arrival(place, position, new AbortController().signal)
    }
  }
}

/** What is sent again is answered under its own id. */
function decidedIdOf(value: Buffer): string {
  const { commandId, body } = commandCodec.decode(value)
  return body.type === 'ResumeCommand' ? commandCodec.decode(body.command).commandId : commandId
}

/** Parked or not, as the committed events say. */
class ParkingHistory {
  readonly partition: number
  readonly #log: Log
  readonly #key: Buffer
  #position = 0n
  #parking: Parking | null = null

  constructor(log: Log, userId: string) {
    this.#log = log
    this.#key = Buffer.from(userId)
    this.partition = partitionOf(this.#key, log.partitions)
  }

  async parking(): Promise<Parking | null> {
    const place = { topic: 'ledger.events', partition: this.partition } as const
    const end = await this.#log.end(place)
    while (this.#position < end) {
      const { records, next } = await this.#log.read(place, this.#position, SLICE)
      for (const record of records) {
        if (!record.key.equals(this.#key)) continue
        this.#parking = evolveParking(this.#parking, decodeEvent(record, this.partition))
      }
      this.#position = next
    }
    return this.#parking
  }
}
