import type { Row, TableName } from './tables.ts'

export type TableProgress = {
  readonly consumer: string
  readonly epoch: bigint
  readonly offset: bigint
  readonly lastEventId: string | undefined
  /** What is folded below it is not told: it happened before the table was there. */
  readonly tellsFrom: bigint
}

export type TableWrite = {
  readonly table: TableName
  /** append: rows that are new. upsert: rows replace those with their key. add: sums grow. keep: the first stays unless it gives way. */
  readonly mode: 'append' | 'upsert' | 'add' | 'keep'
  readonly rows: readonly Row[]
  /** Rows that cannot be there yet: written without a look. Upsert only. */
  readonly fresh?: readonly Row[]
  /** Rows whose sums grow by these, or begin with them. Upsert only. */
  readonly added?: readonly Row[]
  /** Rows to be removed; only their key counts. Upsert only. */
  readonly removed?: readonly Row[]
}

export type TableMove = {
  readonly consumer: string
  readonly epoch: bigint
  readonly from: bigint
  readonly to: bigint
  readonly lastEventId: string | undefined
}

export type TableBatch = {
  readonly partition: number
  readonly moves: readonly TableMove[]
  readonly writes: readonly TableWrite[]
  /** What the rows are the reason for. One that is there already stays as it is. */
  readonly outbox?: readonly Row[]
}

/** Where processors keep rows. Rows and progress of a batch are one transaction. */
export interface TableStore {
  /** Raises the epoch of each consumer's progress, so that the owner before can no longer write, then tells it. */
  takeOver(
    consumers: readonly string[],
    partition: number,
    logIdentity: string,
  ): Promise<readonly TableProgress[]>
  /** The rows with these keys; what does not exist is missing. A key with some of its columns, alike in all `keys`, asks for all rows that have them. */
  read(table: TableName, keys: readonly Row[]): Promise<readonly Row[]>
  /** Those of the users who have a row that binds others of theirs; of a table that has such rows. */
  readBinding(table: TableName, users: ReadonlySet<string>): Promise<ReadonlySet<string>>
  /** Rejects with SALDO_LEASE_FENCED, having changed nothing, when a progress row has a newer owner. */
  apply(batch: TableBatch): Promise<void>
  close(): Promise<void>
}
