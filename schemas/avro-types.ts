/**
 * How Avro values look in TypeScript: `long` is a bigint, except counters and times, which stay below 2^53 and are
 * numbers; members of a union of records carry their name as `type` instead of avsc's wrapper object.
 *
 * What every record is full of (short texts, nullable fields, amounts, the union of its body) is read and written here
 * without avsc's checks for any value whatever, its wrapper objects and its detours over eight bytes, which were half
 * of the price of an event. The bytes are the same.
 */
import avro from 'avsc'
import type { AvroSchema } from './avsc-files.ts'

const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
const eightBytes = Buffer.alloc(8)

const anyLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    eightBytes.writeBigInt64LE(value)
    return eightBytes
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) =>
    typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX,
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})
/** Up to here avsc's arithmetic with numbers is exact: what it writes is twice as large. */
const EXACT_MAX = 2n ** 51n
const EXACT_BYTES_MAX = 7
/** avsc freezes its types; this one has the same methods but two. */
const bigintLong: avro.Type = Object.create(anyLong, {
  _read: {
    value(tap: Tap): unknown {
      let end = tap.pos
      while ((tap.buf[end] ?? 0) >= 0x80) end++
      if (end - tap.pos < EXACT_BYTES_MAX) return BigInt(tap.readLong())
      return (anyLong as unknown as Inner)._read(tap)
    },
  },
  _write: {
    value(tap: Tap, value: unknown): void {
      if (typeof value === 'bigint' && value < EXACT_MAX && value > -EXACT_MAX)
        tap.writeLong(Number(value))
      else (anyLong as unknown as Inner)._write(tap, value)
    },
  },
})
const safeLong = avro.Type.forSchema('long')

/** As avsc's own, and faster for what is short and ASCII: ids, codes, most names. */
class Text extends avro.types.StringType {
  protected _write(tap: Tap, text: unknown): void {
    if (typeof text !== 'string') throw new Error('not a text')
    const { buf, pos } = tap
    const { length } = text
    // Twice the length fits the one byte that says it, and everything the buffer.
    if (length >= 64 || pos + length >= buf.length) return tap.writeString(text)
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) return tap.writeString(text)
      buf[pos + 1 + index] = code
    }
    buf[pos] = length * 2
    tap.pos = pos + 1 + length
  }
}
const text = new Text()

/** `null` or a value of one other type. */
class Nullable extends avro.types.UnwrappedUnionType {
  protected _read(tap: Tap): unknown {
    const index = tap.readLong()
    if (index !== 0 && index !== 1) throw new Error('not a member of the union')
    return index === 0 ? null : (this.types[1] as unknown as Inner)._read(tap)
  }

  protected _write(tap: Tap, value: unknown): void {
    tap.writeLong(value === null ? 0 : 1)
    if (value !== null) (this.types[1] as unknown as Inner)._write(tap, value)
  }
}

type Tagged = { type?: string; [field: string]: unknown }

/** A union of records as a discriminated union: `{ type: 'AccountOpened', … }`. */
class TaggedUnion extends avro.types.LogicalType {
  readonly #fullNames = new Map<string, string>()
  readonly #shortNames: readonly string[]
  readonly #indices = new Map<string, number>()

  constructor(schema: readonly string[], options: Partial<avro.ForSchemaOptions>) {
    super(schema as never, options)
    this.#shortNames = schema.map(shortNameOf)
    for (const [index, fullName] of schema.entries()) {
      this.#fullNames.set(shortNameOf(fullName), fullName)
      this.#indices.set(shortNameOf(fullName), index)
    }
  }

  get #members(): readonly Inner[] {
    return (this.underlyingType as unknown as { readonly types: readonly Inner[] }).types
  }

  protected _read(tap: Tap): unknown {
    const index = tap.readLong()
    const body = this.#members[index]?._read(tap) as Tagged | undefined
    if (body === undefined) throw new Error('not a member of the union')
    body.type = this.#shortNames[index] as string
    return body
  }

  protected _write(tap: Tap, body: Tagged): void {
    const index = this.#indices.get(body.type ?? '')
    if (index === undefined) throw new Error(`${body.type} is not a member of the union`)
    tap.writeLong(index)
    this.#members[index]?._write(tap, body)
  }

  protected override _toValue(body: Tagged): unknown {
    const fullName = this.#fullNames.get(body.type ?? '')
    return fullName === undefined ? undefined : { [fullName]: body }
  }

  protected override _fromValue(wrapped: { readonly [fullName: string]: Tagged }): unknown {
    for (const fullName in wrapped) {
      const body = wrapped[fullName]
      if (body === undefined) break
      body.type = shortNameOf(fullName)
      return body
    }
    throw new Error('an empty union value')
  }

  /** What avsc calls for `_resolve` by default would read a member as it was written, without the fields added since. */
  protected _update(
    resolver: { _read?: (tap: unknown) => unknown },
    type: avro.Type,
    options: unknown,
  ): void {
    if (!(type instanceof TaggedUnion)) return
    const inner = this.underlyingType.createResolver(type.underlyingType, options as never) as {
      readonly _read: (tap: unknown) => { readonly [fullName: string]: Tagged }
    }
    resolver._read = (tap) => this._fromValue(inner._read(tap))
  }
}

/** A place in bytes. Writing beyond their end moves `pos` and nothing else. */
type Tap = {
  readonly buf: Buffer
  pos: number
  readLong(): number
  readString(): string
  writeLong(value: number): void
  writeString(value: string): void
}
/** What every type of avsc has, without its types saying so. */
type Inner = { _read(tap: Tap): unknown; _write(tap: Tap, value: unknown): void }

/** Number of items in the next block. avsc believes any count, and a few bad bytes would fill the memory. */
function blockCount(tap: Tap): number {
  const count = tap.readLong()
  // A negative count is followed by the size of the block in bytes, which only those who skip it need.
  if (count < 0) tap.readLong()
  const items = Math.abs(count)
  if (items > tap.buf.length - tap.pos) throw new Error('more items than bytes')
  return items
}

class BoundedArray extends avro.types.ArrayType {
  protected _read(tap: Tap): unknown {
    const item = this.itemsType as unknown as Inner
    const values: unknown[] = []
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      while (count-- > 0) values.push(item._read(tap))
    }
    return values
  }
}

class BoundedMap extends avro.types.MapType {
  protected _read(tap: Tap): unknown {
    const value = this.valuesType as unknown as Inner
    const values: { [key: string]: unknown } = {}
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      while (count-- > 0) {
        const key = tap.readString()
        values[key] = value._read(tap)
      }
    }
    return values
  }
}

const shortNames = new Map<string, string>()

function shortNameOf(fullName: string): string {
  let name = shortNames.get(fullName)
  if (name === undefined) {
    name = fullName.slice(fullName.lastIndexOf('.') + 1)
    shortNames.set(fullName, name)
  }
  return name
}

/** An avsc type of a self-contained schema, with the values described above. */
export function avroType(schema: AvroSchema): avro.Type {
  const open = new Set<unknown>()
  const typeHook = (part: AvroSchema, options: avro.ForSchemaOptions): avro.Type | undefined => {
    if (part === 'long') return bigintLong
    if (part === 'string') return text
    if (typeof part === 'string') return undefined
    if (Array.isArray(part)) {
      if (open.has(part)) return undefined
      open.add(part)
      if (part.length > 2) return taggedUnion(part, options)
      return part[0] === 'null' ? new Nullable(part, options) : undefined
    }
    const { type, logicalType } = part as { type: unknown; logicalType?: string }
    if (type === 'array') return new BoundedArray(part as never, options)
    if (type === 'map') return new BoundedMap(part as never, options)
    if (type !== 'long') return undefined
    return logicalType === undefined ? bigintLong : safeLong
  }
  return avro.Type.forSchema(schema as avro.Schema, { typeHook: typeHook as never })
}

function taggedUnion(
  members: readonly AvroSchema[],
  options: avro.ForSchemaOptions,
): avro.Type | undefined {
  // The members are defined first, so that the union itself only refers to them by name.
  const names = members.map((member) => {
    const type = avro.Type.forSchema(member as avro.Schema, options)
    return type.name ?? ''
  })
  return new TaggedUnion(names, { ...options, typeHook: undefined as never })
}

/** What decides the bytes of a schema, as text: two schemas with the same form write and read alike. */
export function canonicalForm(schema: AvroSchema): string {
  return JSON.stringify(avro.Type.forSchema(schema as avro.Schema).schema())
}

/** Whether a reader of one schema can read what another one writes. */
export function canRead(reader: AvroSchema, writer: AvroSchema): boolean {
  try {
    const [reading, writing] = [reader, writer].map((one) =>
      avro.Type.forSchema(one as avro.Schema),
    )
    return reading !== undefined && reading.createResolver(writing as avro.Type) !== undefined
  } catch {
    return false
  }
}
