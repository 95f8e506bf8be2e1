import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { BudgetExceeded } from '../../schemas/types.ts'

/** What a processor may put into a column: money is a bigint, a date is days, a time milliseconds since 1970 UTC. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly string[]
  | readonly number[]
  | Buffer
export type Row = { readonly [column: string]: Value }

/** An item of a topic with where it came from. */
export type Sourced<Item> = {
  readonly item: Item
  readonly partition: number
  readonly offset: bigint
  readonly value: Buffer
}

/** Append only: one row per item that it keeps, written once. */
export type ArchiveProcessor<Item> = {
  readonly kind: 'archive'
  readonly name: string
  readonly table: string
  row(source: Sourced<Item>): Row | undefined
}

/** Additive: what an item adds to sums. Nothing is read; a row whose last sum becomes 0 goes. */
export type DeltaProcessor<Item> = {
  readonly kind: 'deltas'
  readonly name: string
  readonly table: string
  deltas(item: Item): readonly Row[]
}

/** A row per key, folded: read, stepped, written back. */
export type RowProcessor<Item, R extends Row = Row> = {
  readonly kind: 'rows'
  readonly name: string
  readonly table: string
  /** Key columns of the row that the item concerns; undefined when it concerns none. */
  keyOf(item: Item): Row | undefined
  /** The item is the first of its row, so nothing needs to be read. */
  begins(item: Item): boolean
  /** The row after the item; undefined removes it. */
  step(row: R | undefined, item: Item): R | undefined
}

/** Something that happened to a table and is worth telling others: it goes to the outbox with the rows. */
export type Notice = {
  /** Of several in one batch about the same thing only the last is told. */
  readonly about: string
  readonly record: { readonly type: 'BudgetExceeded' } & Omit<BudgetExceeded, 'eventId'>
}

export type Stepped<R extends Row = Row> = {
  /** Rows as they are after the item; those that did not change may be left out. */
  readonly rows: readonly R[]
  /** Keys of rows that go. */
  readonly removed: readonly Row[]
  /** In an order that the item alone decides. */
  readonly notices: readonly Notice[]
}

/** Rows that one item concerns together: read, stepped as one, written back. */
export type RelatedProcessor<Item, R extends Row = Row> = {
  readonly kind: 'related'
  readonly name: string
  readonly table: string
  /** Rows that the item concerns: whole keys, or some columns of keys for all rows that have them. */
  keysOf(item: Item): readonly Row[]
  /**
   * What the item adds to sums, as whole rows, where its user has no row that binds others (`binding` of the table): the
   * same as its step. Undefined for an item that is always stepped.
   */
  adds(item: Item): readonly R[] | undefined
  step(rows: readonly R[], item: Item): Stepped<R>
}

/** One row per key: the first, unless it gives way to a better one. */
export type FirstProcessor<Item> = {
  readonly kind: 'first'
  readonly name: string
  readonly table: string
  row(item: Item): Row
  givesWay(kept: Row, next: Row): boolean
}

/** A row processor whose row type only its own step knows: the runtime hands back what the step gave. */
export type AnyRowProcessor<Item> = Omit<RowProcessor<Item>, 'step'> & {
  step(row: never, item: Item): Row | undefined
}

/** As `AnyRowProcessor`. */
export type AnyRelatedProcessor<Item> = Omit<RelatedProcessor<Item>, 'step'> & {
  step(rows: readonly never[], item: Item): Stepped
}

export type Processor<Item> =
  | ArchiveProcessor<Item>
  | DeltaProcessor<Item>
  | AnyRowProcessor<Item>
  | AnyRelatedProcessor<Item>
  | FirstProcessor<Item>

/** The row a step was promised; without it the log or the table is not what it should be. */
export function existing<R>(row: R | undefined, event: OpenedEvent): R {
  if (row === undefined) throw new Error(`${event.body.type} for a row that does not exist`)
  return row
}
