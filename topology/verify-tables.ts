/** Tables in memory, folded by the processors of the live reader, and their comparison with what is stored. */
import { hash } from 'node:crypto'
import {
  columnsOf,
  hasKey,
  isWholeKey,
  keyText,
  tables,
  type Row,
  type Table,
  type TableName,
} from '../sink/tables.ts'
import type { TableWrite } from '../sink/table-store.ts'
import { foldBatch, tableOf } from './fold-batch.ts'
import type { ArchiveProcessor, Processor } from './processors/processor.ts'
import { consumerOf, type TableReader } from './table-reader.ts'
import { compareRows, keyOfRow } from './verify-differences.ts'
import type { Fold, Keyed, Partition } from './verify-fold.ts'

export type TableFold<Item> = Fold<Item> & {
  readonly consumer: string
  readonly table: TableName
  /** How many rows the ledgers should have: a measure of how much a look at them reads. */
  size(userId: string): number
  /** Compares all rows of these ledgers. Of an erased one rows may be gone; what there is must not be readable. */
  compare(
    userIds: Iterable<string>,
    found: readonly Row[],
    erased: ReadonlySet<string>,
  ): Promise<void>
}

/** `isExempt` names rows that are kept longer than what they were made from. */
export function tableFold<Item>(
  partition: Partition,
  reader: TableReader<Item>,
  processor: Processor<Item>,
  isExempt: (found: Row) => boolean = () => false,
): TableFold<Item> {
  return processor.kind === 'archive'
    ? new ArchiveFold(partition, reader, processor)
    : new RowsFold(partition, processor, isExempt)
}

class RowsFold<Item> implements TableFold<Item> {
  position = 0n
  readonly consumer: string
  readonly table: TableName
  readonly #partition: Partition
  readonly #processor: Exclude<Processor<Item>, ArchiveProcessor<Item>>
  readonly #isExempt: (found: Row) => boolean
  readonly #rows = new Map<string, Map<string, Row>>()
  /** Ledgers with an event that the step refused: their rows are not judged. */
  readonly #refused = new Set<string>()

  constructor(
    partition: Partition,
    processor: Exclude<Processor<Item>, ArchiveProcessor<Item>>,
    isExempt: (found: Row) => boolean,
  ) {
    this.#partition = partition
    this.#processor = processor
    this.#isExempt = isExempt
    this.consumer = consumerOf(processor)
    this.table = tableOf(processor)
  }

  size(userId: string): number {
    return this.#rows.get(userId)?.size ?? 0
  }

  async take(sources: readonly Keyed<Item>[]): Promise<void> {
    const judged = sources.filter(({ key }) => !this.#isUnjudged(key))
    try {
      this.#apply(await foldBatch(this.#processor, judged, this.#read))
    } catch {
      // Nothing of the batch was applied: each ledger by itself, so that one that does not fold leaves the others alone.
      for (const [userId, own] of Map.groupBy(judged, ({ key }) => key)) {
        try {
          this.#apply(await foldBatch(this.#processor, own, this.#read))
        } catch {
          this.#refused.add(userId)
          this.#partition.note({ what: this.table, problem: 'does-not-fold', userId })
        }
      }
    }
  }

  compare(
    userIds: Iterable<string>,
    found: readonly Row[],
    erased: ReadonlySet<string>,
  ): Promise<void> {
    const byUser = Map.groupBy(found, userOf)
    for (const userId of userIds) {
      if (this.#isUnjudged(userId)) continue
      this.#compareLedger(userId, byUser.get(userId) ?? [], erased.has(userId))
    }
    return Promise.resolve()
  }

  #compareLedger(userId: string, found: readonly Row[], erased: boolean): void {
    const { note } = this.#partition
    const table: Table = tables[this.table]
    const missing = new Map(this.#rows.get(userId))
    for (const row of found) {
      const expected = missing.get(keyText(table, row))
      missing.delete(keyText(table, row))
      if (this.#isExempt(row)) continue
      const place = { what: this.table, userId, key: keyOfRow(table, row) }
      if (expected === undefined) note({ ...place, problem: 'extra' })
      else {
        const differing = compareRows(table, expected, row)
        if (differing !== undefined) note({ ...place, problem: 'differs', ...differing })
      }
    }
    if (erased) return
    for (const row of missing.values()) {
      note({ what: this.table, problem: 'missing', userId, key: keyOfRow(table, row) })
    }
  }

  readonly #read = (_table: TableName, keys: readonly Row[]): Promise<readonly Row[]> => {
    const table: Table = tables[this.table]
    return Promise.resolve(
      keys.flatMap((key) => {
        const own = this.#rows.get(userOf(key))
        if (!isWholeKey(table, key))
          return [...(own?.values() ?? [])].filter((row) => hasKey(row, key))
        const row = own?.get(keyText(table, key))
        return row === undefined ? [] : [row]
      }),
    )
  }

  /** What the merge does in SQL. */
  #apply({ mode, rows, fresh = [], removed = [] }: TableWrite): void {
    const table: Table = tables[this.table]
    for (const row of [...fresh, ...rows]) {
      const own = this.#rowsOf(userOf(row))
      const key = keyText(table, row)
      const kept = own.get(key)
      const next = kept === undefined ? row : this.#merged(mode, table, kept, row)
      if (mode === 'add' && next[table.sums?.at(-1) ?? ''] === 0) own.delete(key)
      else own.set(key, next)
    }
    for (const row of removed) this.#rows.get(userOf(row))?.delete(keyText(table, row))
  }

  #merged(mode: TableWrite['mode'], table: Table, kept: Row, row: Row): Row {
    if (mode === 'add') return grown(table, kept, row)
    if (this.#processor.kind === 'first') return this.#processor.givesWay(kept, row) ? row : kept
    return row
  }

  #rowsOf(userId: string): Map<string, Row> {
    let own = this.#rows.get(userId)
    if (own === undefined) this.#rows.set(userId, (own = new Map()))
    return own
  }

  #isUnjudged(userId: string): boolean {
    return this.#partition.unjudged.has(userId) || this.#refused.has(userId)
  }
}

type Archived = { readonly offset: bigint; readonly digest: string }

/** An archive is as large as its topic: only where each row came from is kept, and a hash of what is in it. */
class ArchiveFold<Item> implements TableFold<Item> {
  position = 0n
  readonly consumer: string
  readonly table: TableName
  readonly #partition: Partition
  readonly #reader: TableReader<Item>
  readonly #processor: ArchiveProcessor<Item>
  readonly #archived = new Map<string, Map<string, Archived>>()

  constructor(partition: Partition, reader: TableReader<Item>, processor: ArchiveProcessor<Item>) {
    this.#partition = partition
    this.#reader = reader
    this.#processor = processor
    this.consumer = consumerOf(processor)
    this.table = tableOf(processor)
  }

  size(userId: string): number {
    return this.#archived.get(userId)?.size ?? 0
  }

  take(sources: readonly Keyed<Item>[]): void {
    const table: Table = tables[this.table]
    for (const source of sources) {
      const row = this.#processor.row(source)
      if (row === undefined) continue
      let own = this.#archived.get(userOf(row))
      if (own === undefined) this.#archived.set(userOf(row), (own = new Map()))
      own.set(keyText(table, row), { offset: source.offset, digest: digestOf(table, row) })
    }
  }

  async compare(userIds: Iterable<string>, found: readonly Row[]): Promise<void> {
    const byUser = Map.groupBy(found, userOf)
    for (const userId of userIds) {
      if (this.#partition.unjudged.has(userId)) continue
      await this.#compareLedger(userId, byUser.get(userId) ?? [])
    }
  }

  async #compareLedger(userId: string, found: readonly Row[]): Promise<void> {
    const { note } = this.#partition
    const table: Table = tables[this.table]
    const missing = new Map(this.#archived.get(userId))
    for (const row of found) {
      const archived = missing.get(keyText(table, row))
      missing.delete(keyText(table, row))
      const place = { what: this.table, userId, key: keyOfRow(table, row) }
      if (archived === undefined) note({ ...place, problem: 'extra' })
      else if (digestOf(table, row) !== archived.digest) {
        const expected = await this.#readAgain(archived.offset)
        note({ ...place, problem: 'differs', ...compareRows(table, expected ?? {}, row) })
      }
    }
    for (const key of missing.keys()) {
      note({ what: this.table, problem: 'missing', userId, key: keyOfText(table, key) })
    }
  }

  /** What the row should be, to say in which columns it differs: seldom asked for. */
  async #readAgain(offset: bigint): Promise<Row | undefined> {
    const { log, partition, keys } = this.#partition
    const place = { topic: this.#reader.topic, partition }
    const { records } = await log.read(place, offset, { records: 1, bytes: 1 })
    const [item] = await this.#reader.open(records, partition, keys)
    const value = records[0]?.value
    if (item === undefined || value === undefined) return undefined
    return this.#processor.row({ item, partition, offset, value })
  }
}

function grown(table: Table, kept: Row, row: Row): Row {
  const sums = (table.sums ?? []).map((column) => {
    const [a, b] = [kept[column], row[column]]
    if (typeof a === 'bigint' && typeof b === 'bigint') return [column, a + b] as const
    if (typeof a === 'number' && typeof b === 'number') return [column, a + b] as const
    throw new Error('a sum is of counts or of money')
  })
  return { ...kept, ...Object.fromEntries(sums) }
}

function userOf(row: Row): string {
  return String(row['user_id'])
}

function digestOf(table: Table, row: Row): string {
  const values = columnsOf(table).map((column) => {
    const value = row[column] ?? null
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
  })
  const text = JSON.stringify(values, (_, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
  return hash('sha256', text, 'base64')
}

/** `keyText` undone: the parts of a key are ids and numbers, without a zero in them. */
function keyOfText(table: Table, key: string): { readonly [column: string]: string } {
  const values = key.split('\u0000')
  return keyOfRow(
    table,
    Object.fromEntries(table.key.map((column, index) => [column, values[index] ?? ''])),
  )
}
