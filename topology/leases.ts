/** Who should own which partition of a group. The log's fence decides who can commit, so two believers are harmless. */
export interface Leases {
  /**
   * Takes part in a group and works on what falls to it: `work` is started for each partition that is assigned and its
   * signal fires when the partition is to be given up; it is released when `work` ends. Rejects what `work` rejects.
   */
  join(group: string, partitions: number, work: PartitionWork): Membership
}

export type PartitionWork = (partition: number, stop: AbortSignal) => Promise<void>

export type Membership = {
  /** Rejects when a partition cannot go on; resolves after `leave`. */
  readonly ended: Promise<void>
  /** Partitions that this member works on now. */
  owned(): readonly number[]
  /** Drains every partition, then releases it. */
  leave(): Promise<void>
}
