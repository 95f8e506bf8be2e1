import type { TopicName } from '../../schemas/topics.ts'

/** What leaves a log, and when. Whole segments go, so some records stay longer than they have to. */
export interface Retention {
  /** One turn: removes what may go. Safe while everything else works, and when several do it. */
  sweep(rules: readonly RetentionRule[]): Promise<readonly Removed[]>
  /** By partition for how long the oldest command that the group has not passed is there; 0 where there is none. */
  unreadMs(group: string): Promise<ReadonlyMap<number, number>>
  close(): Promise<void>
}

/** Topics that are removed together, so that what is kept of one fits what is kept of the others. */
export type RetentionRule = {
  readonly topics: readonly [TopicName, ...TopicName[]]
  /** Log time since the newest record of what is removed. */
  readonly olderThanMs: number
  /** A segment is closed at this age at the latest, or when it is this large. */
  readonly segmentMs: number
  readonly segmentBytes: number
  /** By partition: what its readers have passed in the first topic. Left out, the groups that read it decide. */
  readonly readTo?: readonly bigint[]
}

export type Removed = { readonly topic: TopicName; readonly segments: number }
