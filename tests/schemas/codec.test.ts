import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { avroType } from '../../schemas/avro-types.ts'
import type { AvroSchema } from '../../schemas/avsc-files.ts'
import {
  commandCodec,
  commandContent,
  personalCodec,
  WIRE_PREFIX_BYTES,
} from '../../schemas/codec.ts'
import { personalOf } from '../../schemas/opened-event.ts'
import {
  arbitraryOf,
  fromJson,
  releasedCodecs,
  releasedVersions,
  type AnyCodec,
  type Fixture,
} from '../support/released-codecs.ts'
import { groceries, opened, recorded } from '../support/example-commands.ts'
import { commandOf, sent } from '../support/specification.ts'

const unreadable = expect.objectContaining({ code: 'SALDO_RECORD_UNREADABLE', retryable: false })
const newest = releasedVersions.filter(({ id, name }) => codecOf(name).schemaId === id)

function codecOf(name: string): AnyCodec {
  const codec = releasedCodecs[name]
  if (codec === undefined) throw new Error(`no codec of ${name}`)
  return codec
}

describe.each(newest)('$name', ({ name, schema }) => {
  const codec = codecOf(name)
  const values = arbitraryOf(schema)

  test('decodes to what was encoded', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(value)
      }),
      { numRuns: 300 },
    )
  })

  test('starts with a zero byte and its schema id', () => {
    for (const value of fc.sample(values, 20)) {
      const bytes = codec.encode(value)
      expect(bytes[0]).toBe(0)
      expect(bytes.readInt32BE(1)).toBe(codec.schemaId)
    }
  })

  test('is not readable when bytes are missing or left over', () => {
    for (const value of fc.sample(values, 30)) {
      const bytes = codec.encode(value)
      expect(() => codec.decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(unreadable)
      for (const end of new Set([0, 1, 4, 5, bytes.length >> 1, bytes.length - 1]))
        expect(() => codec.decode(bytes.subarray(0, end))).toThrow(unreadable)
    }
  })

  test('is not readable with a wrong prefix or the id of another schema', () => {
    const [value] = fc.sample(values, 1)
    const [first, ...rest] = codec.encode(value)
    expect(() => codec.decode(Buffer.from([(first ?? 0) + 1, ...rest]))).toThrow(unreadable)
    for (const id of [0, 1, -1, 0x7f_00_ff_ff, codec.schemaId + 0x90]) {
      const bytes = codec.encode(value)
      bytes.writeInt32BE(id, 1)
      expect(() => codec.decode(bytes)).toThrow(unreadable)
    }
    for (const other of newest.filter((version) => version.name !== name))
      expect(() => codecOf(other.name).decode(codec.encode(value))).toThrow(unreadable)
  })

  test('answers any bytes with a value or with unreadable, never otherwise', () => {
    const prefix = codec.encode(fc.sample(values, 1)[0]).subarray(0, WIRE_PREFIX_BYTES)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          codec.decode(Buffer.concat([prefix, noise]))
        } catch (error) {
          expect(error).toEqual(unreadable)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe.each(releasedVersions)('bytes of $file', ({ file, id, name }) => {
  const fixture = path.join(import.meta.dirname, '../fixtures/released', file)

  test('decode for ever, to what they said', () => {
    expect(existsSync(fixture), `${file} has no bytes: run write-released-fixtures`).toBe(true)
    const { id: writtenWith, records } = JSON.parse(readFileSync(fixture, 'utf8')) as Fixture
    expect(writtenWith).toBe(id)
    expect(records.length).toBeGreaterThan(1)
    for (const { hex, value } of records) {
      const bytes = Buffer.from(hex, 'hex')
      expect(bytes.readInt32BE(1)).toBe(id)
      const decoded = codecOf(name).decode(bytes)
      // A field that was added since is there too, with its default.
      expect(decoded).toMatchObject(fromJson(value) as object)
      if (codecOf(name).schemaId === id)
        expect(codecOf(name).encode(decoded).toString('hex')).toBe(hex)
    }
  })
})

describe('an older version', () => {
  type Field = { readonly name: string; readonly type: AvroSchema; readonly default?: unknown }
  const record = (name: string, fields: readonly Field[]): AvroSchema => ({
    type: 'record',
    name,
    namespace: 'saldo.fake.v1',
    fields,
  })
  const plain: Field = { name: 'amountMinor', type: 'long' }
  const added: Field = { name: 'note', type: ['null', 'string'], default: null }
  const envelope = (bodies: readonly AvroSchema[], extra: readonly Field[] = []): AvroSchema =>
    record('Envelope', [
      { name: 'sequence', type: 'long' },
      ...extra,
      { name: 'body', type: bodies },
    ])
  const [opening, moving, closing, wishing] = ['Opened', 'Moved', 'Closed', 'Wished']
  const old = avroType(
    envelope([record(opening, [plain]), record(moving, [plain]), record(closing, [])]),
  )

  function asNew(schema: AvroSchema, value: unknown): unknown {
    const reader = avroType(schema)
    return reader.fromBuffer(old.toBuffer(value), reader.createResolver(old))
  }

  test('gets the default of a field that was added to the record', () => {
    const schema = envelope(
      [record(opening, [plain]), record(moving, [plain]), record(closing, [])],
      [{ name: 'personal', type: ['null', 'bytes'], default: null }],
    )
    expect(asNew(schema, { sequence: 1n, body: { type: 'Moved', amountMinor: -7n } })).toEqual({
      sequence: 1n,
      personal: null,
      body: { type: 'Moved', amountMinor: -7n },
    })
  })

  test('gets the default of a field that was added to a member of its union', () => {
    const schema = envelope([
      record(opening, [plain]),
      record(moving, [added, plain]),
      record(closing, [added]),
    ])
    expect(asNew(schema, { sequence: 1n, body: { type: 'Moved', amountMinor: -7n } })).toEqual({
      sequence: 1n,
      body: { type: 'Moved', note: null, amountMinor: -7n },
    })
    expect(asNew(schema, { sequence: 2n, body: { type: 'Closed' } })).toEqual({
      sequence: 2n,
      body: { type: 'Closed', note: null },
    })
  })

  test('keeps its lists and maps', () => {
    const lists: readonly Field[] = [
      { name: 'tags', type: { type: 'array', items: record('Tag', [plain]) } },
      { name: 'usage', type: { type: 'map', values: 'int' } },
    ]
    const writer = avroType(record('State', lists))
    const reader = avroType(record('State', [...lists, added]))
    const value = { tags: [{ amountMinor: 1n }, { amountMinor: -2n }], usage: { a: 1, b: 2 } }
    expect(reader.fromBuffer(writer.toBuffer(value), reader.createResolver(writer))).toEqual({
      ...value,
      note: null,
    })
  })

  test('keeps its members when the union gets another one, wherever it stands', () => {
    const schema = envelope([
      record(wishing, []),
      record(opening, [plain]),
      record(closing, []),
      record(moving, [plain]),
    ])
    for (const body of [
      { type: 'Opened', amountMinor: 2n ** 63n - 1n },
      { type: 'Moved', amountMinor: -(2n ** 63n) },
      { type: 'Closed' },
    ])
      expect(asNew(schema, { sequence: 3n, body })).toEqual({ sequence: 3n, body })
  })
})

test('a count of more items than bytes is unreadable, and costs nothing', () => {
  // A root without a hash whose window says that it has 2^40 entries, then with the same count written the other way.
  const codec = codecOf('saldo.state.v1.RootState')
  const prefix = Buffer.from('007f00100000', 'hex')
  for (const count of ['808080808040', 'ffffffffff3f00'])
    expect(() => codec.decode(Buffer.concat([prefix, Buffer.from(count, 'hex')]))).toThrow(
      unreadable,
    )
})

describe('encoding', () => {
  test('gives a copy of its own, whatever is encoded after it', () => {
    const first = personalCodec.encode(personalOf({ name: 'first' }) ?? never())
    const kept = Buffer.from(first)
    const second = personalCodec.encode(personalOf({ name: 'other' }) ?? never())
    expect(first.equals(kept)).toBe(true)
    second.fill(0)
    expect(first.equals(kept)).toBe(true)
    expect(personalCodec.decode(first).name).toBe('first')
  })

  test('grows with the largest value, more than once', () => {
    for (const length of [70_000, 200_000, 1_000_000]) {
      const personal = personalOf({ rawData: '😀'.repeat(length / 4) }) ?? never()
      const bytes = personalCodec.encode(personal)
      expect(bytes.length).toBeGreaterThan(length)
      expect(personalCodec.decode(bytes)).toEqual(personal)
    }
  })

  test('reads from the middle of other bytes and keeps none of them', () => {
    const bytes = Buffer.concat([
      Buffer.from('before'),
      commandCodec.encode(commandOf(sent(opened), 0)),
    ])
    const decoded = commandCodec.decode(
      new Uint8Array(bytes.buffer, bytes.byteOffset + 6, bytes.length - 6),
    )
    bytes.fill(0)
    expect(decoded).toEqual(commandOf(sent(opened), 0))
  })

  test.each([
    ['a number for a bigint', { ...groceries, amountMinor: 1 }],
    ['a bigint of more than 64 bits', { ...groceries, amountMinor: 2n ** 63n }],
    ['a missing field', { ...groceries, currency: undefined }],
    ['an unknown symbol', { ...groceries, source: 'post' }],
    ['an unknown type', { ...groceries, type: 'Recorded' }],
    ['no type', { ...groceries, type: undefined }],
  ])('refuses %s', (_what, body) => {
    const command = { ...commandOf(sent(groceries), 0), body } as never
    expect(() => commandCodec.encode(command)).toThrow(Error)
  })

  test('works after a value that was refused', () => {
    const command = commandOf(sent(groceries), 0)
    expect(() => commandCodec.encode({ ...command, issuedAt: 0.5 })).toThrow('invalid')
    expect(commandCodec.decode(commandCodec.encode(command))).toEqual(command)
  })
})

describe('the content of a command', () => {
  test('is the same for the same wish and another for any other', () => {
    const content = (changes: Partial<typeof groceries>): string =>
      commandContent(recorded(changes)).toString('hex')
    expect(content({})).toBe(content({}))
    const others = [
      { amountMinor: -12_551n },
      { note: null },
      { note: '' },
      { transactionId: 't-2' },
      { bookedOn: 0 },
      { occurredAt: 0 },
      { source: 'import' as const },
    ].map(content)
    expect(new Set([content({}), ...others]).size).toBe(others.length + 1)
  })

  test('may be larger than any value before it', () => {
    const rawData = 'x'.repeat(3_000_000)
    expect(commandContent(recorded({ rawData })).length).toBeGreaterThan(rawData.length)
  })
})

function never(): never {
  throw new Error('there are texts')
}
