/** One answer to every command record: an outcome, or a dead letter for what could not be read. */
import { deadLetterCodec } from '../schemas/codec.ts'
import type { Outcome } from '../schemas/types.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { Log, Place, StoredRecord } from './log/log.ts'
import type { Fold, Keyed, Partition } from './verify-fold.ts'

const SLICE = { records: 1_000, bytes: 1 << 20 } as const
/** Counts stop here: more than one is wrong already. */
const ANSWERS_MAX = 255

export class AnswersFold implements Fold<Outcome> {
  position = 0n
  outcomes = 0
  /** Last event that a command was told of, by ledger. */
  readonly promised = new Map<string, number>()
  readonly #partition: Partition
  readonly #counts: Uint8Array
  #oldest: number | undefined
  /** Which commands are in the log; undefined where all of them are or were. */
  #kept: { readonly start: number; readonly holds: Uint8Array } | undefined

  /** Commands below `groupOffset` are answered; of later ones nothing can be said yet. */
  constructor(partition: Partition, groupOffset: bigint | undefined) {
    this.#partition = partition
    this.#counts = new Uint8Array(Number(groupOffset ?? 0n))
  }

  take(sources: readonly Keyed<Outcome>[]): void {
    for (const { item } of sources) {
      this.outcomes++
      this.#oldest = Math.min(this.#oldest ?? item.commandOffset, item.commandOffset)
      this.#count(item.commandOffset)
      // A duplicate names what an earlier outcome promised; a failed command parks its ledger by an event.
      if (item.verdict === 'duplicate' || item.firstSequence === null) continue
      const last = item.firstSequence + item.eventIds.length - 1
      this.promised.set(item.userId, Math.max(last, this.promised.get(item.userId) ?? 0))
    }
  }

  /** Where offsets jump, only a command that is still there tells a missing answer from a hole. */
  async takeCommands(): Promise<void> {
    const { log, partition } = this.#partition
    if (log.gapless) return
    const place = { topic: 'ledger.commands', partition } as const
    while (this.#kept === undefined) {
      try {
        this.#kept = await keptBefore(log, place, this.#counts.length)
      } catch (error) {
        // Retention went on meanwhile.
        if (!(error instanceof SaldoError) || error.code !== 'SALDO_RECORDS_REMOVED') throw error
      }
    }
  }

  /** A command that failed has an outcome as well; its dead letter is for the operator. */
  async takeDeadLetters(): Promise<void> {
    const { log, partition } = this.#partition
    const place = { topic: 'ledger.dead-letters', partition } as const
    for (let position = await log.start(place); ;) {
      const { records, next } = await log.read(place, position, SLICE)
      for (const record of records) this.#takeDeadLetter(record)
      if (next === position) return
      position = next
    }
  }

  /**
   * Answers leave the log after their retention, outcomes and dead letters together and in the order of their commands:
   * of commands before the first with a kept outcome nothing is known any more.
   */
  async oldestKnown(): Promise<number> {
    const { log, partition } = this.#partition
    const start = await log.start({ topic: 'ledger.outcomes', partition })
    return start > 0n ? (this.#oldest ?? this.#counts.length) : 0
  }

  /** Call when everything is taken. */
  judge(from: number): void {
    for (let offset = from; offset < this.#counts.length; offset++) {
      const answers = this.#counts[offset] ?? 0
      const expected = this.#expected(offset)
      if (answers === expected || (expected === undefined && answers < 2)) continue
      this.#partition.note({
        what: 'ledger.outcomes',
        problem: answers === 0 ? 'missing' : 'extra',
        key: { commandOffset: String(offset) },
        expected: { answers: String(expected ?? 1) },
        found: { answers: String(answers) },
      })
    }
  }

  /** Answers to what is or was at an offset; undefined where nobody can say whether that was a command. */
  #expected(offset: number): 0 | 1 | undefined {
    if (this.#kept === undefined) return 1
    const { start, holds } = this.#kept
    if (offset < start) return undefined
    return holds[offset - start] === 1 ? 1 : 0
  }

  #takeDeadLetter({ value, offset, key }: StoredRecord): void {
    try {
      const letter = deadLetterCodec.decode(value)
      if (letter.topic === 'ledger.commands' && letter.cause !== 'failed')
        this.#count(letter.offset)
    } catch {
      this.#partition.note({
        what: 'ledger.dead-letters',
        problem: 'not-readable',
        userId: key.toString(),
        key: { offset: String(offset) },
      })
    }
  }

  #count(commandOffset: number): void {
    const before = this.#counts[commandOffset]
    if (before !== undefined && before < ANSWERS_MAX) this.#counts[commandOffset] = before + 1
  }
}

/** Which offsets below `end` hold a record; nothing is known below `start`. */
async function keptBefore(
  log: Log,
  place: Place,
  end: number,
): Promise<{ readonly start: number; readonly holds: Uint8Array }> {
  const start = Number(await log.start(place))
  const holds = new Uint8Array(Math.max(0, end - start))
  for (let position = BigInt(start); position < end;) {
    const { records, next } = await log.read(place, position, SLICE)
    for (const { offset } of records) if (offset < end) holds[Number(offset) - start] = 1
    if (next === position) break
    position = next
  }
  return { start, holds }
}
