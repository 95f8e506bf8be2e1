/**
 * Values in PostgreSQL's binary wire form: fields, each its length and its bytes. Rows of COPY and arrays of a call are
 * made of the same fields. Pure, so that every value is property-tested.
 *
 * Chosen over text because the server then parses no times, numbers or hexadecimal digits, and neither side escapes.
 */
export type ColumnType =
  | 'text'
  | 'texts'
  | 'ints'
  | 'json'
  | 'uuid'
  | 'bytes'
  | 'boolean'
  | 'int'
  | 'count'
  | 'money'
  | 'share'
  | 'date'
  | 'timestamp'

/** Money is a bigint of minor units; a date is days, a timestamp milliseconds since 1970 UTC. */
export type ColumnValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | readonly string[]
  | readonly number[]
  | null

const TEXT_OID = 25
const INT_OID = 23
const NULL_LENGTH = -1
/** PostgreSQL counts from 2000. */
const EPOCH_DAYS = 10_957
const EPOCH_MS = EPOCH_DAYS * 86_400_000
const NUMERIC_NEGATIVE = 0x4000
const NUMERIC_BASE = 10_000
const SHARE_DECIMALS = 4

/** What the upper half of eight bytes counts in. */
const HALF = 2 ** 32

/** Grows as fields are added, and gives away what it has as one piece. */
export class BinaryFields {
  readonly #sizeAtFirst: number
  #bytes: Buffer
  /** Of the same memory: its setters cost a third of a Buffer's. */
  #view: DataView
  #end = 0

  constructor(sizeAtFirst = 64 * 1024) {
    this.#sizeAtFirst = sizeAtFirst
    this.#bytes = Buffer.allocUnsafeSlow(sizeAtFirst)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get size(): number {
    return this.#end
  }

  /** What was added since the last time. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#end)
    this.#own(Buffer.allocUnsafeSlow(this.#sizeAtFirst))
    this.#end = 0
    return taken
  }

  add(type: ColumnType, value: ColumnValue): void {
    if (value === null) this.int32(NULL_LENGTH)
    else this.#value(type, value)
  }

  #value(type: ColumnType, value: NonNullable<ColumnValue>): void {
    switch (type) {
      case 'text':
      // Kept as it is written, and sent like a text.
      case 'json':
        return this.#text(value as string)
      case 'texts':
        return this.#array(TEXT_OID, value as readonly string[], (text) => this.#text(text))
      case 'ints':
        return this.#array(INT_OID, value as readonly number[], (int) => this.#int(int))
      case 'uuid':
        return this.#uuid(value as string)
      case 'bytes':
        this.int32((value as Uint8Array).length)
        return this.raw(value as Uint8Array)
      case 'boolean':
        this.int32(1)
        return this.#int8(value === true ? 1 : 0)
      case 'int':
        return this.#int(value as number)
      case 'count':
        return this.#int64(value as number)
      case 'money':
        return this.#numeric(value as bigint, 0)
      case 'share':
        return this.#numeric(whole(Math.round((value as number) * 10 ** SHARE_DECIMALS)), 1)
      case 'date':
        this.int32(4)
        return this.int32((value as number) - EPOCH_DAYS)
      case 'timestamp':
        return this.#int64((value as number) - EPOCH_MS, 1000)
    }
  }

  #text(text: string): void {
    // A UTF-16 unit takes at most three bytes.
    this.#reserve(4 + text.length * 3)
    const length = this.#bytes.write(text, this.#end + 4, 'utf8')
    this.int32(length)
    this.#end += length
  }

  #array<T>(elementOid: number, elements: readonly T[], add: (element: T) => void): void {
    const start = this.#end
    this.int32(0)
    // One dimension from 1, or none where there is no element; no nulls.
    this.int32(elements.length === 0 ? 0 : 1)
    this.int32(0)
    this.int32(elementOid)
    if (elements.length > 0) {
      this.int32(elements.length)
      this.int32(1)
      for (const element of elements) add(element)
    }
    this.#view.setInt32(start, this.#end - start - 4)
  }

  #int(value: number): void {
    this.int32(4)
    this.int32(value)
  }

  #uuid(text: string): void {
    this.int32(16)
    this.#reserve(16)
    const written = this.#bytes.write(text.replaceAll('-', ''), this.#end, 16, 'hex')
    if (written !== 16 || text.length !== 36) throw new Error(`not a uuid: ${text}`)
    this.#end += 16
  }

  /** Digits of base 10,000, of which the last `fraction` stand behind the point. */
  #numeric(scaled: bigint | number, fraction: 0 | 1): void {
    const digits = digitsOf(scaled)
    this.int32(8 + digits.length * 2)
    this.int16(digits.length)
    this.int16(digits.length - 1 - fraction)
    this.int16(scaled < 0 ? NUMERIC_NEGATIVE : 0)
    this.int16(fraction * SHARE_DECIMALS)
    for (let index = digits.length - 1; index >= 0; index--) this.int16(digits[index] ?? 0)
  }

  #int8(value: number): void {
    this.#reserve(1)
    this.#view.setInt8(this.#end, value)
    this.#end += 1
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#view.setInt16(this.#end, value)
    this.#end += 2
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#view.setInt32(this.#end, value)
    this.#end += 4
  }

  /** A field of eight bytes, with its length. In two halves, each a safe integer: a BigInt costs more than the field. */
  #int64(value: number, times = 1): void {
    const upper = Math.floor(whole(value) / HALF)
    const lower = (value - upper * HALF) * times
    const carried = Math.floor(lower / HALF)
    this.int32(8)
    this.int32(upper * times + carried)
    this.int32(lower - carried * HALF)
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(this.#bytes.length * 2 + more)
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#own(grown)
  }

  #own(bytes: Buffer): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Error(`not a safe integer: ${value}`)
  return value
}

/** The least first. Sums of money are mostly safe integers, which are divided much faster than a BigInt. */
function digitsOf(scaled: bigint | number): readonly number[] {
  const digits: number[] = []
  let rest = scaled < 0 ? -scaled : scaled
  for (; rest > Number.MAX_SAFE_INTEGER; rest = BigInt(rest) / BigInt(NUMERIC_BASE)) {
    digits.push(Number(BigInt(rest) % BigInt(NUMERIC_BASE)))
  }
  for (let safe = Number(rest); safe > 0; safe = Math.floor(safe / NUMERIC_BASE)) {
    digits.push(safe % NUMERIC_BASE)
  }
  return digits
}
