/** The state of one aggregate, or of a root, after the event with `sequence`. */
export type CheckpointRow = {
  readonly userId: string
  readonly stateType: string
  readonly stateId: string
  readonly sequence: number
  readonly version: number
  /** Encoded and sealed. */
  readonly state: Buffer
}

export type CheckpointProgress = {
  readonly epoch: bigint
  /** Every state that an event before this offset folds into is stored at that event or later. */
  readonly eventsOffset: bigint
  /** The group's offset in the commands when the progress was written; undefined before the first checkpoint. */
  readonly commandsOffset: bigint | undefined
  /** The last event before `eventsOffset`; undefined where nobody knew it. */
  readonly lastEventId?: string | undefined
  readonly logIdentity: string
}

export type CheckpointBatch = {
  readonly partition: number
  readonly epoch: bigint
  readonly fromEventsOffset: bigint
  readonly toEventsOffset: bigint
  readonly commandsOffset: bigint
  readonly lastEventId?: string | undefined
  readonly rows: readonly CheckpointRow[]
}

export type Wanted = {
  /** Ledgers whose root, profile, accounts and categories are wanted. */
  readonly ledgers: readonly string[]
  readonly transactions: readonly { readonly userId: string; readonly transactionId: string }[]
}

/** Where states of one generation (actors/generation.ts) survive the process. `tests/contracts/checkpoint-store.contract.ts` holds every sentence here. */
export interface CheckpointStore {
  /**
   * Raises the epoch, so that the owner before can no longer save, then tells how far it came. States of an older
   * generation count as none, and the events as not folded; another log and a newer generation are refused.
   */
  takeOver(partition: number, logIdentity: string): Promise<CheckpointProgress>
  /** Stores the rows, never replacing a newer one, and moves the progress, or does neither when there is a newer owner. */
  save(batch: CheckpointBatch): Promise<'saved' | 'fenced'>
  /** The rows there are of this generation; what has none, or an older one, is missing from the answer. A newer one is refused. */
  load(wanted: Wanted): Promise<readonly CheckpointRow[]>
  close(): Promise<void>
}
