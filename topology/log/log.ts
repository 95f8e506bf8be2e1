import { SaldoError } from '../../schemas/errors.ts'
import type { TopicName } from '../../schemas/topics.ts'

/** A record to be appended; the key decides the partition, which the caller computes. */
export type NewRecord = {
  readonly topic: TopicName
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer
}

export type StoredRecord = {
  readonly offset: bigint
  readonly key: Buffer
  readonly value: Buffer
  /** Log time, milliseconds since 1970 UTC; never a producer's clock. */
  readonly appendedAt: number
}

export type BatchLimit = { readonly records: number; readonly bytes: number }

/** Committed records in order. `next` is where to go on; `end` is the committed end at the time of reading. */
export type Slice = {
  readonly records: readonly StoredRecord[]
  readonly next: bigint
  readonly end: bigint
}

export type Place = { readonly topic: TopicName; readonly partition: number }
export type GroupPlace = Place & { readonly group: string }

/** The partitioned, ordered, replayable record of commands and events. `tests/contracts/log.contract.ts` holds every sentence here. */
export interface Log {
  /** Partitions of every topic, fixed for life. */
  readonly partitions: number
  /** Changes only when the log is another one, such as one that was created anew. */
  readonly identity: string
  /** Every offset from the start to the end holds a record: whoever counts offsets counts records. */
  readonly gapless: boolean
  producer(options?: ProducerOptions): Producer
  /** Fences every earlier owner of the group's partition, waits for its last commit, then answers. */
  acquire(place: GroupPlace): Promise<Lease>
  /**
   * Committed records from `offset` on, none skipped; offsets may jump. At least one record, however large, where there
   * is one; none while somebody else has to say first how the next one is to be read. Rejects with
   * SALDO_RECORDS_REMOVED below the start: whoever counts on every record must not miss some. A reader that goes on from
   * `next` may still get what was fetched before it was removed.
   */
  read(place: Place, offset: bigint, limit: BatchLimit): Promise<Slice>
  /** Everything before it was removed by retention, on purpose; 0 while nothing was. Never more than the end. */
  start(place: Place): Promise<bigint>
  /** The committed end: every committed record is before it, and none will be committed there any more. */
  end(place: Place): Promise<bigint>
  /** The group's offset as last committed, or a moment ago; undefined when it never committed there. */
  position(place: GroupPlace): Promise<bigint | undefined>
  /** Resolves when there may be something at `offset`, when `signal` aborts, or after a short poll interval. */
  arrival(place: Place, offset: bigint, signal: AbortSignal): Promise<void>
  /**
   * Bytes that were read at an earlier time, as they would be read now; without it they are the same. What had an unknown
   * schema id then may have a known one.
   */
  reread?(value: Buffer): Buffer
  close(): Promise<void>
}

export type ProducerOptions = {
  /** An append that does not get through is repeated for this long before it fails; a few times at once without it. */
  readonly retryForMs?: number
}

/** Appends without a lease, one after the other in the order of the calls. */
export interface Producer {
  /** Resolves when durable. A repetition inside, after a lost connection, stores nothing twice. */
  append(records: readonly NewRecord[]): Promise<void>
  close(): Promise<void>
}

/** Ownership of one partition for one group. Everything an owner does goes through it. */
export interface Lease {
  readonly place: GroupPlace
  readonly epoch: bigint
  /** The group's offset when the lease was acquired; undefined when the group never committed here. */
  readonly committed: bigint | undefined
  /** Fires once, when this process should stop; `commit` may already be refused by then. */
  readonly lost: AbortSignal
  /**
   * Appends every record and moves the group's offset, or does neither. Resolves when every reader sees the records.
   * Rejects with SALDO_LEASE_FENCED when a newer owner exists, with SALDO_COMMIT_IN_DOUBT when the answer was lost. One
   * commit at a time.
   */
  commit(records: readonly NewRecord[], nextOffset: bigint): Promise<void>
  /**
   * Resolves when nobody had taken the partition over by now: what this owner read of the log before, nobody else wrote
   * behind. Rejects with SALDO_LEASE_FENCED when a newer owner exists. Not beside a commit.
   */
  confirm(): Promise<void>
  release(): Promise<void>
}

/** For adapters: what a read below the start rejects with. */
export function recordsRemoved({ topic, partition }: Place, offset: bigint, start: bigint): Error {
  return new SaldoError(
    'SALDO_RECORDS_REMOVED',
    `${topic} partition ${partition} starts at offset ${start}: what was at ${offset} was removed by retention`,
  )
}
