/**
 * Bytes ↔ types, synchronously. A value is its schema id in the Confluent wire format (a zero byte, then the id as
 * four bytes, big endian), then Avro's binary encoding.
 *
 * Invariant: bytes written by any released version decode for ever, to the current type.
 */
import type { Type } from 'avsc'
import { avroType } from './avro-types.ts'
import type { AvroSchema } from './avsc-files.ts'
import { SaldoError } from './errors.ts'
import { releasedSchemas, type ReleasedSchema } from './released-schemas.ts'
import type {
  AccountState,
  BudgetExceeded,
  BudgetState,
  CategorizedTransaction,
  CategoryState,
  CreatedTransaction,
  DeadLetter,
  ExpenseEvent,
  LedgerCommand,
  LedgerCommandBody,
  LedgerEvent,
  Outcome,
  ParkedCommand,
  Personal,
  ProfileState,
  RootState,
  TransactionState,
} from './types.ts'
import { written } from './written.ts'

/** From here on ids are those of checked-in schemas; a registry counts from 1. */
export const OWN_IDS_FROM = 0x7f_00_00_00

/** Length of the wire prefix, in bytes. */
export const WIRE_PREFIX_BYTES = 5

export type Codec<T> = {
  /** Id of the schema that `encode` writes. */
  readonly schemaId: number
  /** Id of the newest schema that `decode` reads. */
  readonly newestId: number
  /** A copy of its own: safe to keep. A value that does not fit the schema is a bug and throws. */
  encode(value: T): Buffer
  /** Throws SALDO_RECORD_UNREADABLE for bytes that are not of a released version. */
  decode(bytes: Uint8Array): T
}

/** Grows to the largest value seen; every encode writes here first and copies out what it needs. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024)

function encodeWith(type: Type, schemaId: number, value: unknown): Buffer {
  let end = type.encode(value, scratch, WIRE_PREFIX_BYTES)
  while (end < 0) {
    // A negative result says how many bytes were missing.
    scratch = Buffer.allocUnsafeSlow(scratch.length * 2 - end)
    end = type.encode(value, scratch, WIRE_PREFIX_BYTES)
  }
  scratch[0] = 0
  scratch.writeInt32BE(schemaId, 1)
  const copy = Buffer.allocUnsafe(end)
  scratch.copy(copy, 0, 0, end)
  return copy
}

/** Reads every version of one schema, oldest first, and writes the one with the id `writes`: the newest unless told. */
export function codecOf<T>(versions: readonly ReleasedSchema[], writes?: number): Codec<T> {
  const newest = versions.at(-1)
  const writer = writes === undefined ? newest : versions.find(({ id }) => id === writes)
  if (newest === undefined || writer === undefined) throw new Error('no such released schema')
  const { name } = newest
  const reader = avroType(newest.schema)
  const decoders = new Map(
    versions.map((version) => [version.id, decoderOf(version, newest, reader)]),
  )
  const writing = writer === newest ? reader : avroType(writer.schema)
  return {
    schemaId: writer.id,
    newestId: newest.id,
    encode: (value) => encodeWith(writing, writer.id, value),
    decode(bytes) {
      const buffer = Buffer.isBuffer(bytes)
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      const id = schemaIdOf(buffer)
      if (id === -1) throw unreadable(name, 'no wire prefix')
      const decode = decoders.get(id)
      if (decode === undefined) throw unreadable(name, unknownId(id, newest.id))
      try {
        return decode(buffer.subarray(WIRE_PREFIX_BYTES)) as T
      } catch (cause) {
        throw unreadable(name, 'the bytes do not fit the schema', cause)
      }
    },
  }
}

function unknownId(id: number, newest: number): string {
  if (id < OWN_IDS_FROM) {
    return `unknown schema id ${id}, not one of a file: if a schema registry gave it, SCHEMA_REGISTRY_URL has to name that one when the engine starts`
  }
  const isNext = id > newest && id >> 8 === newest >> 8
  return `unknown schema id ${id}${isNext ? ', of a newer release: run that one, or a newer one' : ''}`
}

function decoderOf(
  version: ReleasedSchema,
  newest: ReleasedSchema,
  reader: Type,
): (bytes: Buffer) => unknown {
  if (version.id === newest.id) return (bytes) => reader.fromBuffer(bytes)
  const resolver = reader.createResolver(avroType(version.schema))
  return (bytes) => reader.fromBuffer(bytes, resolver)
}

/** The schema id that bytes carry; -1 for bytes without the prefix. */
export function schemaIdOf(bytes: Buffer): number {
  return bytes.length < WIRE_PREFIX_BYTES || bytes[0] !== 0 ? -1 : bytes.readInt32BE(1)
}

function unreadable(name: string, problem: string, cause?: unknown): SaldoError {
  return new SaldoError('SALDO_RECORD_UNREADABLE', `not a ${name}: ${problem}`, {
    retryable: false,
    cause,
  })
}

function released<T>(name: string): Codec<T> {
  return codecOf<T>(releasedSchemas(name), written[name])
}

export const commandCodec = released<LedgerCommand>('saldo.ledger.v1.LedgerCommand')
export const eventCodec = released<LedgerEvent>('saldo.ledger.v1.LedgerEvent')
export const outcomeCodec = released<Outcome>('saldo.ledger.v1.Outcome')
export const deadLetterCodec = released<DeadLetter>('saldo.ledger.v1.DeadLetter')
export const parkedCommandCodec = released<ParkedCommand>('saldo.ledger.v1.ParkedCommand')
export const personalCodec = released<Personal>('saldo.ledger.v1.Personal')
export const budgetExceededCodec = released<BudgetExceeded>('saldo.budget.v1.BudgetExceeded')
export const createdTransactionCodec = released<CreatedTransaction>(
  'saldo.transaction.v1.CreatedTransaction',
)
export const categorizedTransactionCodec = released<CategorizedTransaction>(
  'saldo.transaction.v1.CategorizedTransaction',
)
export const expenseEventCodec = released<ExpenseEvent>('saldo.expense.v1.ExpenseEvent')
export const stateCodecs = {
  root: released<RootState>('saldo.state.v1.RootState'),
  account: released<AccountState>('saldo.state.v1.AccountState'),
  transaction: released<TransactionState>('saldo.state.v1.TransactionState'),
  category: released<CategoryState>('saldo.state.v1.CategoryState'),
  profile: released<ProfileState>('saldo.state.v1.ProfileState'),
  budget: released<BudgetState>('saldo.state.v1.BudgetState'),
}

/** The type of the body of a command, as a version of the envelope has it. */
function bodyTypeOf(envelopeSchema: AvroSchema): Type {
  const envelope = avroType(envelopeSchema) as unknown as {
    readonly fields: readonly { readonly name: string; readonly type: Type }[]
  }
  const body = envelope.fields.find((field) => field.name === 'body')
  if (body === undefined) throw new Error('a command has a body')
  return body.type
}

/**
 * The bytes of what a command wishes, without its envelope: what "same content" means, for ever. The same wish has the
 * same bytes under every version of the schema that adds fields last, nullable and null, and members anywhere: the
 * member goes by its name, and zeros at the end are left out. Fields before them say where they end, so nothing else
 * becomes alike.
 */
export function contentUnder(
  envelopeSchema: AvroSchema,
): (body: { readonly type: string }) => Buffer {
  const bodyType = bodyTypeOf(envelopeSchema)
  return (body) => {
    let end = bodyType.encode(body, scratch, 0)
    while (end < 0) {
      scratch = Buffer.allocUnsafeSlow(scratch.length * 2 - end)
      end = bodyType.encode(body, scratch, 0)
    }
    let start = 0
    // The place of the member in the union, as a variable-length number.
    while ((scratch[start] ?? 0) >= 0x80) start++
    start++
    while (end > start && scratch[end - 1] === 0) end--
    const name = `${body.type}\n`
    const content = Buffer.allocUnsafe(name.length + end - start)
    content.write(name, 'latin1')
    scratch.copy(content, name.length, start, end)
    return content
  }
}

export const commandContent: (body: LedgerCommandBody) => Buffer = contentUnder(
  releasedSchemas('saldo.ledger.v1.LedgerCommand').at(-1)?.schema ?? 'null',
)
