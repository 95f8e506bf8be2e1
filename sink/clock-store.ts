/** How far a pass over all ledgers has come. */
export type ClockProgress = {
  /** The instant that the ledgers are told of, milliseconds since 1970 UTC. */
  readonly until: number
  /** The last ledger that was told; empty before the first. */
  readonly afterUser: string
  readonly finished: boolean
}

/** What the clock has to know, and remembers. */
export interface ClockStore {
  /** Undefined before the first pass. */
  progress(): Promise<ClockProgress | undefined>
  /** Never back: a clock that was held up cannot undo what a newer one has done. */
  move(progress: ClockProgress): Promise<void>
  /** Ledgers with a checkpoint, in the order of their ids; fewer than the limit at the end only. */
  ledgersAfter(
    userId: string,
    limit: number,
  ): Promise<readonly { readonly userId: string; readonly erased: boolean }[]>
  /** By partition the least offset of these consumers; 0 where one of them has not begun. */
  readTo(consumers: readonly string[], partitions: number): Promise<readonly bigint[]>
  close(): Promise<void>
}
