import type { TopicName } from '../../schemas/topics.ts'

/** What leaves a log, and when. */
export interface Retention {
  /** One turn: removes what may go. Safe while everything else works, and when several do it. */
  sweep(rules: readonly RetentionRule[]): Promise<readonly Removed[]>
  /** By partition for how long the oldest command that the group has not passed is there; 0 where there is none. */
  unreadMs(group: string): Promise<ReadonlyMap<number, number>>
  close(): Promise<void>
}

/**
 * Topics that are removed together, so that what is kept of one fits what is kept of the others. `groups` and `readTo`
 * both bound what goes; without either nothing goes.
 */
export type RetentionRule = {
  readonly topics: readonly [TopicName, ...TopicName[]]
  /** Log time since the newest record of what is removed. On Kafka the topics' own setting says it, where it is not 0. */
  readonly olderThanMs: number
  /** On PostgreSQL whole segments go: one is closed at this age at the latest, or when it is this large. */
  readonly segmentMs: number
  readonly segmentBytes: number
  /** Groups that have passed it in the first topic; one that has not begun holds everything. */
  readonly groups?: readonly string[]
  /** By partition: what other readers have passed in the first topic. */
  readonly readTo?: readonly bigint[]
}

/** Counted as the log removes: whole segments, or offsets. */
export type Removed = { readonly topic: TopicName } & (
  | { readonly segments: number }
  | { readonly offsets: number }
)
