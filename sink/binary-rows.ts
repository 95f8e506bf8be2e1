/** Rows → the binary format of COPY. */
import { BinaryFields, type ColumnType, type ColumnValue } from './binary-fields.ts'

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')

/** Grows as rows are added, and gives away what it has as one piece. */
export class BinaryRows {
  readonly #types: readonly ColumnType[]
  readonly #fields: BinaryFields

  constructor(types: readonly ColumnType[], sizeAtFirst?: number) {
    this.#types = types
    this.#fields = new BinaryFields(sizeAtFirst)
    // No flags, no header extension.
    this.#fields.raw(SIGNATURE)
    this.#fields.int32(0)
    this.#fields.int32(0)
  }

  get size(): number {
    return this.#fields.size
  }

  /** What was added since the last time. */
  take(): Buffer {
    return this.#fields.take()
  }

  /** Marks the end; nothing may be added after it. */
  finish(): Buffer {
    this.#fields.int16(-1)
    return this.take()
  }

  add(values: readonly ColumnValue[]): void {
    this.#fields.int16(this.#types.length)
    for (let column = 0; column < this.#types.length; column++) {
      this.#fields.add(this.#types[column] as ColumnType, values[column] ?? null)
    }
  }
}
