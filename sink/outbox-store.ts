/** A row that waits to be told; its key is where its cause is in the log. */
export type OutboxRow = OutboxKey & {
  readonly eventId: string
  readonly topic: string
  readonly userId: string
  /** As it goes to the topic. */
  readonly payload: Buffer
  /** How often it was tried in vain. */
  readonly attempts: number
}

export type OutboxKey = {
  readonly processor: string
  readonly sourceOffset: bigint
  readonly index: number
}

/** What table processors have to tell, and what became of it. Rows come with the tables' own transactions. */
export interface OutboxStore {
  /** Partitions with rows that are not processed. */
  partitions(): Promise<ReadonlySet<number>>
  /** Rows of a partition that are not processed, in the order of their causes, without those of some users. */
  unprocessed(
    partition: number,
    wanted: { readonly exceptUsers: readonly string[]; readonly limit: number },
  ): Promise<readonly OutboxRow[]>
  /** Marks rows as told. Twice is as good as once. */
  processed(partition: number, keys: readonly OutboxKey[]): Promise<void>
  /** Notes a try in vain; `error` holds nothing of the payload. */
  failed(partition: number, keys: readonly OutboxKey[], error: string): Promise<void>
  /** How many rows of a partition are not processed, and for how long the oldest one is there. */
  waiting(partition: number): Promise<{ readonly rows: number; readonly oldestMs: number }>
  /** Removes rows of a partition that were told longer ago than this; some at a time. How many. */
  forget(partition: number, olderThanMs: number): Promise<number>
}
