/**
 * How Avro values look in TypeScript: `long` is a bigint, except counters and times, which stay below 2^53 and are
 * numbers; members of a union of records carry their name as `type` instead of avsc's wrapper object.
 */
import avro from 'avsc'
import type { AvroSchema } from './avsc-files.ts'

const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
const eightBytes = Buffer.alloc(8)

const bigintLong = avro.types.LongType.__with({
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
const safeLong = avro.Type.forSchema('long')

type Tagged = { type?: string; [field: string]: unknown }

/** A union of records as a discriminated union: `{ type: 'AccountOpened', … }`. */
class TaggedUnion extends avro.types.LogicalType {
  readonly #fullNames = new Map<string, string>()

  constructor(schema: readonly string[], options: Partial<avro.ForSchemaOptions>) {
    super(schema as never, options)
    for (const fullName of schema) this.#fullNames.set(shortNameOf(fullName), fullName)
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

type Tap = { readonly buf: Buffer; pos: number; readLong(): number; readString(): string }
type Reader = { _read(tap: Tap): unknown }

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
    const item = this.itemsType as unknown as Reader
    const values: unknown[] = []
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      while (count-- > 0) values.push(item._read(tap))
    }
    return values
  }
}

class BoundedMap extends avro.types.MapType {
  protected _read(tap: Tap): unknown {
    const value = this.valuesType as unknown as Reader
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
    if (typeof part === 'string') return undefined
    if (Array.isArray(part)) {
      if (part.length <= 2 || open.has(part)) return undefined
      open.add(part)
      return taggedUnion(part, options)
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
