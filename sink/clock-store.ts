/** How far a pass over all ledgers has come. */
export type ClockProgress = {
  /** The instant that the ledgers are told of, milliseconds since 1970 UTC. */
  readonly until: number
  /** The last ledger that was told; empty before the first. */
  readonly afterUser: string
  readonly finished: boolean
}

/** Ledgers whose time zone is one of these, and with `unset` all that have a checkpoint and no zone of their own. */
export type InZones = { readonly zones: readonly string[]; readonly unset: boolean }

export type LedgerSlice = {
  /** Without those that are erased. */
  readonly userIds: readonly string[]
  /** The last that was looked at; undefined when nothing is left behind it. */
  readonly through: string | undefined
}

export type LastParking = {
  readonly userId: string
  /** The last event by which the ledger was parked, resumed or unparked, as it is in the log. */
  readonly event: Buffer | null
  readonly erased: boolean
}

/** What the clock has to know, and remembers. */
export interface ClockStore {
  /** Undefined before the first pass. */
  progress(): Promise<ClockProgress | undefined>
  /** Never back: a clock that was held up cannot undo what a newer one has done. */
  move(progress: ClockProgress): Promise<void>
  /** Time zones that somebody has set, each once. */
  timeZones(): Promise<readonly string[]>
  /** The next ledgers of these zones behind a user, in the order of their ids: at most so many are looked at. */
  ledgersAfter(userId: string, inZones: InZones, limit: number): Promise<LedgerSlice>
  /** What the archive of events knows of these ledgers; it may be behind the log. */
  parkingsOf(userIds: readonly string[]): Promise<readonly LastParking[]>
  /** By partition the least offset of these consumers; 0 where one of them has not begun. */
  readTo(consumers: readonly string[], partitions: number): Promise<readonly bigint[]>
  /** By partition the offset of the commands that the last checkpoint was cut at; 0 before the first. */
  commandsDecided(partitions: number): Promise<readonly bigint[]>
  close(): Promise<void>
}
