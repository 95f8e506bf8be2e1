/** The codecs of the contract by full name, and values that fit any schema: for tests that go over all of them. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { isDefinition, isUnion, type AvroSchema } from '../../schemas/avsc-files.ts'
import * as codecs from '../../schemas/codec.ts'
import type { ReleasedSchema } from '../../schemas/released-schemas.ts'

/** A codec whose type only the schema knows. */
export type AnyCodec = {
  readonly schemaId: number
  readonly newestId: number
  encode(value: unknown): Buffer
  decode(bytes: Uint8Array): unknown
}

function any<T>(codec: codecs.Codec<T>): AnyCodec {
  return { ...codec, encode: (value) => codec.encode(value as T) }
}

export const releasedCodecs: { readonly [fullName: string]: AnyCodec } = {
  'saldo.ledger.v1.LedgerCommand': any(codecs.commandCodec),
  'saldo.ledger.v1.LedgerEvent': any(codecs.eventCodec),
  'saldo.ledger.v1.Outcome': any(codecs.outcomeCodec),
  'saldo.ledger.v1.DeadLetter': any(codecs.deadLetterCodec),
  'saldo.ledger.v1.ParkedCommand': any(codecs.parkedCommandCodec),
  'saldo.ledger.v1.Personal': any(codecs.personalCodec),
  'saldo.budget.v1.BudgetExceeded': any(codecs.budgetExceededCodec),
  'saldo.state.v1.RootState': any(codecs.stateCodecs.root),
  'saldo.state.v1.AccountState': any(codecs.stateCodecs.account),
  'saldo.state.v1.TransactionState': any(codecs.stateCodecs.transaction),
  'saldo.state.v1.CategoryState': any(codecs.stateCodecs.category),
  'saldo.state.v1.ProfileState': any(codecs.stateCodecs.profile),
  'saldo.state.v1.BudgetState': any(codecs.stateCodecs.budget),
  'saldo.transaction.v1.CreatedTransaction': any(codecs.createdTransactionCodec),
  'saldo.transaction.v1.CategorizedTransaction': any(codecs.categorizedTransactionCodec),
  'saldo.expense.v1.ExpenseEvent': any(codecs.expenseEventCodec),
}

const folder = path.join(import.meta.dirname, '../../schemas/released')

/** Every released version with the name of its file, oldest first. */
export const releasedVersions: readonly (ReleasedSchema & { readonly file: string })[] =
  readdirSync(folder)
    .sort()
    .map((file) => ({
      ...(JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as ReleasedSchema),
      file,
    }))

/** How the values of one schema are made, part by part. */
export type Maker<T> = {
  primitive(avro: string, name: string): T
  counter(name: string): T
  choice(symbols: readonly string[]): T
  array(item: T): T
  map(value: T): T
  optional(some: T): T
  union(members: readonly T[]): T
  record(fields: { readonly [name: string]: T }, tag: string | undefined): T
}

/** Walks a self-contained schema from its leaves up. */
export function made<T>(schema: AvroSchema, maker: Maker<T>): T {
  const defined = new Map<string, T>()
  const visit = (part: AvroSchema, name: string, namespace: string, tagged: boolean): T => {
    if (typeof part === 'string') return defined.get(part) ?? maker.primitive(part, name)
    if (isUnion(part)) {
      if (part.length > 2)
        return maker.union(part.map((member) => visit(member, name, namespace, true)))
      return maker.optional(visit(part[1] ?? 'null', name, namespace, false))
    }
    if (!isDefinition(part)) throw new Error('a schema is a string, a union or a definition')
    const here = part.namespace ?? namespace
    let value: T
    if (part.type === 'enum') value = maker.choice(part.symbols ?? [])
    else if (part.type === 'array')
      value = maker.array(visit(part.items ?? 'null', name, here, false))
    else if (part.type === 'map') value = maker.map(visit(part.values ?? 'null', name, here, false))
    else if (part.type === 'record') {
      const fields = (part.fields ?? []).map(
        (field) => [field.name, visit(field.type, field.name, here, false)] as const,
      )
      value = maker.record(Object.fromEntries(fields), tagged ? part.name : undefined)
    } else if (part.type === 'long' && part.logicalType !== undefined) return maker.counter(name)
    else return visit(part.type, name, here, false)
    if (part.name !== undefined) defined.set(`${here}.${part.name}`, value)
    return value
  }
  return visit(schema, 'value', '', false)
}

/** The largest number that a `long` kept as a number can be. */
const COUNTER_MAX = 2 ** 53 - 2

/** A key of a map: an id, so never `__proto__`. */
const key = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__')

/** Any value that fits a schema, with the extremes of every type. */
export function arbitraryOf(schema: AvroSchema): fc.Arbitrary<unknown> {
  const primitives: { readonly [avro: string]: fc.Arbitrary<unknown> } = {
    null: fc.constant(null),
    boolean: fc.boolean(),
    int: fc.oneof(fc.constantFrom(0, 2 ** 31 - 1, -(2 ** 31)), fc.integer()),
    long: fc.oneof(
      fc.constantFrom(0n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ),
    double: fc.double({ noNaN: true }),
    string: fc.string({ unit: 'binary' }),
    bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  }
  return made<fc.Arbitrary<unknown>>(schema, {
    primitive: (avro) => primitives[avro] ?? fc.constant(null),
    // avsc writes numbers below -2^52 wrongly; counters and times are far above.
    counter: () => fc.integer({ min: -(2 ** 52), max: COUNTER_MAX }),
    choice: (symbols) => fc.constantFrom(...symbols),
    array: (item) => fc.array(item, { maxLength: 4 }),
    map: (value) => fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true }),
    optional: (some) => fc.option(some),
    union: (members) => fc.oneof(...members),
    record: (fields, tag) =>
      fc.record(tag === undefined ? fields : { ...fields, type: fc.constant(tag) }),
  })
}

/** Values of a schema that a person can read: every member of a union, once with all and once with no optional field. */
export function examplesOf(schema: AvroSchema): readonly unknown[] {
  return [true, false].flatMap((full) =>
    made<readonly unknown[]>(schema, {
      primitive: (avro, name) => [examplePrimitive(avro, name, full)],
      counter: (name) => [name.endsWith('At') ? Date.UTC(2026, 2, 14, 12) : full ? COUNTER_MAX : 1],
      choice: (symbols) => [full ? symbols.at(-1) : symbols[0]],
      array: (item) => [full ? [...item, ...item] : []],
      map: ([value]) => [full ? { first: value, 'c-2': value } : {}],
      optional: ([some]) => [full ? some : null],
      union: (members) => members.flat(),
      record: (fields, tag) => recordsOf(fields, tag),
    }),
  )
}

/** One record for each value of the field that has most of them. */
function recordsOf(
  fields: { readonly [name: string]: readonly unknown[] },
  tag: string | undefined,
): readonly unknown[] {
  const count = Math.max(1, ...Object.values(fields).map((values) => values.length))
  return Array.from({ length: count }, (_, n) => ({
    ...Object.fromEntries(
      Object.entries(fields).map(([name, values]) => [name, values[n % values.length]]),
    ),
    ...(tag === undefined ? {} : { type: tag }),
  }))
}

function examplePrimitive(avro: string, name: string, full: boolean): unknown {
  switch (avro) {
    case 'string':
      return full ? `${name} Åse 😀` : ''
    case 'long':
      return full ? 2n ** 63n - 1n : -(2n ** 63n)
    case 'int':
      return full ? 2 ** 31 - 1 : 0
    case 'double':
      return full ? 0.99 : 0
    case 'bytes':
      return full ? Buffer.from(name) : Buffer.alloc(0)
    case 'boolean':
      return full
    default:
      throw new Error(`no example of ${avro}`)
  }
}

/** One line of a fixture: what was written, and what it says. Longs and bytes are marked, because JSON has neither. */
export type Fixture = {
  readonly id: number
  readonly records: readonly { readonly hex: string; readonly value: unknown }[]
}

export function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return { $long: String(value) }
  if (Buffer.isBuffer(value)) return { $hex: value.toString('hex') }
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner)]))
}

export function fromJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value !== 'object' || value === null) return value
  if ('$long' in value) return BigInt(String(value.$long))
  if ('$hex' in value) return Buffer.from(String(value.$hex), 'hex')
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromJson(inner)]))
}
