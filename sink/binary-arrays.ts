/**
 * Rows → one array per column, as parameters of a call. The server executes a statement only after its whole bind
 * message has arrived, so nothing is locked while a client is still sending, and one round trip does it all.
 */
import { BinaryFields, type ColumnType } from './binary-fields.ts'
import type { Row } from './tables.ts'

/** Of a uuid and its length: what the texts of most arrays take. */
const TEXT_BYTES = 40

/** Element types as the server numbers them. An array travels as the literal of one: arrays do not nest. */
const elements = {
  text: { oid: 25, name: 'text' },
  texts: { oid: 25, name: 'text' },
  ints: { oid: 25, name: 'text' },
  json: { oid: 114, name: 'json' },
  uuid: { oid: 2950, name: 'uuid' },
  bytes: { oid: 17, name: 'bytea' },
  boolean: { oid: 16, name: 'bool' },
  int: { oid: 23, name: 'int4' },
  count: { oid: 20, name: 'int8' },
  money: { oid: 1700, name: 'numeric' },
  share: { oid: 1700, name: 'numeric' },
  date: { oid: 1082, name: 'date' },
  timestamp: { oid: 1184, name: 'timestamptz' },
} as const satisfies { readonly [type in ColumnType]: { oid: number; name: string } }

/** Texts as one parameter: the driver would write, quote and escape them one by one, and the server take that apart. */
export function textArray(texts: readonly string[]): Buffer {
  const fields = new BinaryFields(256 + texts.length * TEXT_BYTES)
  fields.add('texts', texts)
  // A parameter says its length by itself.
  return fields.take().subarray(4)
}

type Columns = readonly (readonly [name: string, type: ColumnType])[]

/** Columns of many writes, one after the other in the same memory. */
export class ColumnArrays {
  readonly #fields = new BinaryFields()
  readonly #ends: number[] = []

  add(columns: Columns, rows: readonly Row[]): void {
    for (const [column, type] of columns) {
      this.#header(elements[type].oid, rows.length)
      for (const row of rows) {
        const value = row[column] ?? null
        if ((type === 'texts' || type === 'ints') && value !== null) {
          this.#fields.add('text', arrayLiteral(value as readonly (string | number)[]))
        } else this.#fields.add(type, value)
      }
      this.#ends.push(this.#fields.size)
    }
  }

  /** One parameter per column, in the order of their adding. */
  take(): readonly Buffer[] {
    const ends = this.#ends.splice(0)
    const bytes = this.#fields.take()
    return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
  }

  #header(elementOid: number, length: number): void {
    // One dimension from 1 that may hold nulls, or none where there is no element.
    this.#fields.int32(length === 0 ? 0 : 1)
    this.#fields.int32(1)
    this.#fields.int32(elementOid)
    if (length === 0) return
    this.#fields.int32(length)
    this.#fields.int32(1)
  }
}

/** The rows of such arrays as a source of a statement, the first of them parameter `first`. */
export function unnested(columns: Columns, first: number, alias: string): string {
  const arrays = columns.map(([, type], index) => `$${first + index}::${elements[type].name}[]`)
  const names = columns.map(([name]) => `"${name}"`)
  return `unnest(${arrays.join(', ')}) AS ${alias} (${names.join(', ')})`
}

/** The columns of such a source, each with the type of its table. */
export function selected(columns: Columns, alias: string): string {
  return columns.map(([name, type]) => `${alias}."${name}"${castOf(type)}`).join(', ')
}

function castOf(type: ColumnType): string {
  if (type === 'texts') return '::text[]'
  return type === 'ints' ? '::int4[]' : ''
}

function arrayLiteral(elements: readonly (string | number)[]): string {
  return `{${elements.map((element) => `"${String(element).replaceAll(/[\\"]/g, '\\$&')}"`).join(',')}}`
}
