/**
 * The loop of the relay for one partition: what table processors have to tell goes from the outbox to its topic.
 *
 * Invariant: a row is marked only when its record is durable, and the rows of a user leave in the order of their causes.
 * So every row is in its topic at least once, always under the same id: a stop between append and mark repeats it.
 * Two relays on a partition do no more harm than that: each begins with the oldest row that is not marked.
 */
import { budgetExceededCodec } from '../schemas/codec.ts'
import { SaldoError } from '../schemas/errors.ts'
import type { OutboxKey, OutboxRow, OutboxStore } from '../sink/outbox-store.ts'
import type { Log, NewRecord, Producer } from './log/log.ts'

export type RelayDeps = {
  readonly log: Pick<Log, 'producer'>
  readonly store: OutboxStore
  /** A clock that only goes forward, in milliseconds. */
  readonly now: () => number
  readonly pause: (ms: number, stop: AbortSignal) => Promise<void>
  readonly observe: RelayObserver
}

export type RelayObserver = {
  relayed(partition: number, records: readonly NewRecord[]): void
  /** A row that cannot be told: its user's later rows wait behind it, everybody else's go on. */
  failed(partition: number, key: OutboxKey, error: string): void
  waiting(partition: number, waiting: { readonly rows: number; readonly oldestMs: number }): void
}

/** Topics that the relay writes, with what each of their records is. */
const relayed: { readonly [topic: string]: Told } = {
  'budgets.exceeded': { topic: 'budgets.exceeded', decode: budgetExceededCodec.decode },
}

type Told = {
  readonly topic: NewRecord['topic']
  decode(bytes: Buffer): { readonly eventId: string; readonly userId: string }
}

const ROWS_MAX = 200
const POLL_MS = 500
const HOLD_FIRST_MS = 1_000
const HOLD_MAX_MS = 300_000
/** How many rows wait is counted no more often. */
const LOOK_EVERY_MS = 5_000
/** Old rows are removed no more often. */
const FORGET_EVERY_MS = 60_000
/** As long as the topic keeps its record. */
const PROCESSED_MS = 7 * 86_400_000

/** Relays until `stop` fires. Rejects when the log or the database is away; what was not marked is told again. */
export async function runRelay(
  partition: number,
  deps: RelayDeps,
  stop: AbortSignal,
): Promise<void> {
  const { store, now, pause, observe } = deps
  const producer = deps.log.producer()
  const relay = new Relay(partition, deps, producer)
  try {
    let forgotAt = Number.NEGATIVE_INFINITY
    for (let lookedAt = Number.NEGATIVE_INFINITY; !stop.aborted;) {
      const isMore = await relay.turn()
      if (now() - lookedAt >= LOOK_EVERY_MS) {
        lookedAt = now()
        observe.waiting(partition, await store.waiting(partition))
      }
      if (now() - forgotAt >= FORGET_EVERY_MS) {
        forgotAt = now()
        await store.forget(partition, PROCESSED_MS)
      }
      if (!isMore) await pause(POLL_MS, stop)
    }
  } finally {
    await producer.close()
  }
}

class Relay {
  readonly #partition: number
  readonly #deps: RelayDeps
  readonly #producer: Producer
  /** Users behind a row that failed, and when it is tried again. */
  readonly #held = new Map<string, number>()

  constructor(partition: number, deps: RelayDeps, producer: Producer) {
    this.#partition = partition
    this.#deps = deps
    this.#producer = producer
  }

  /** True when there may be more at once. */
  async turn(): Promise<boolean> {
    const { store, now } = this.#deps
    for (const [userId, until] of this.#held) if (until <= now()) this.#held.delete(userId)
    const exceptUsers = [...this.#held.keys()]
    const rows = await store.unprocessed(this.#partition, { exceptUsers, limit: ROWS_MAX })
    if (rows.length === 0) return false
    const records = new Map<OutboxRow, NewRecord>()
    for (const row of rows) {
      if (this.#held.has(row.userId)) continue
      try {
        records.set(row, recordOf(row, this.#partition))
      } catch (error) {
        await this.#fail(row, error)
      }
    }
    await this.#append(records)
    return rows.length === ROWS_MAX
  }

  async #append(records: ReadonlyMap<OutboxRow, NewRecord>): Promise<void> {
    if (records.size === 0) return
    const rows = [...records.keys()]
    try {
      await this.#tell(rows, [...records.values()])
    } catch (error) {
      if (isPassing(error)) {
        const { store } = this.#deps
        // For whoever looks; what is away may be the place of the note as well.
        await store.failed(this.#partition, rows, sentenceOf(error)).catch(() => undefined)
        throw error
      }
      const [row, ...others] = rows
      if (row === undefined || others.length === 0) {
        if (row !== undefined) await this.#fail(row, error)
        return
      }
      // One of them is refused for good: each by itself says which.
      for (const [one, record] of records) {
        if (!this.#held.has(one.userId)) await this.#append(new Map([[one, record]]))
      }
    }
  }

  async #tell(rows: readonly OutboxRow[], records: readonly NewRecord[]): Promise<void> {
    const { store, observe } = this.#deps
    await this.#producer.append(records)
    observe.relayed(this.#partition, records)
    await store.processed(this.#partition, rows)
  }

  async #fail(row: OutboxRow, error: unknown): Promise<void> {
    const { store, now, observe } = this.#deps
    const sentence = sentenceOf(error)
    this.#held.set(row.userId, now() + Math.min(HOLD_FIRST_MS * 2 ** row.attempts, HOLD_MAX_MS))
    await store.failed(this.#partition, [row], sentence)
    const { processor, sourceOffset, index } = row
    observe.failed(this.#partition, { processor, sourceOffset, index }, sentence)
  }
}

function recordOf({ topic, payload, eventId, userId }: OutboxRow, partition: number): NewRecord {
  const told = relayed[topic]
  if (told === undefined) throw new Error(`the relay writes no topic ${topic}`)
  const value = told.decode(payload)
  if (value.eventId !== eventId || value.userId !== userId) {
    throw new Error('the payload is another one than its row says')
  }
  return { topic: told.topic, partition, key: Buffer.from(userId), value: payload }
}

/** Another try may meet it no more: it says nothing about the row. */
function isPassing(error: unknown): boolean {
  return error instanceof SaldoError && error.retryable
}

/** Errors of ours hold nothing of what they are about. */
function sentenceOf(error: unknown): string {
  if (error instanceof SaldoError) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
