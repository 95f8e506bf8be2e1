/** What is written here without avsc has the bytes of Avro's specification, told by a second, slow way. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { avroType } from '../../schemas/avro-types.ts'

/** Zigzag, then seven bits a byte, the lowest first. */
function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}

function textBytes(text: string): Buffer {
  return Buffer.concat([varint(BigInt(Buffer.byteLength(text))), Buffer.from(text)])
}

const edges = [0n, 1n, 2n ** 28n, 2n ** 31n, 2n ** 48n, 2n ** 51n, 2n ** 53n, 2n ** 63n - 1n]
const long = avroType('long')
const text = avroType('string')
const nullable = avroType(['null', 'string'])
const union = avroType(
  ['First', 'Second', 'Third'].map((name) => ({
    type: 'record',
    name,
    namespace: 'test',
    fields: [{ name: 'note', type: ['null', 'string'] }],
  })),
)

test.each(edges.flatMap((edge) => [edge, -edge, edge - 1n, 1n - edge, -edge - 1n]))(
  'a long is written and read as it is specified: %s',
  (value) => {
    expect(long.toBuffer(value)).toEqual(varint(value))
    expect(long.fromBuffer(varint(value))).toBe(value)
  },
)

test('any long is written and read as it is specified', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      expect(long.toBuffer(value)).toEqual(varint(value))
      expect(long.fromBuffer(varint(value))).toBe(value)
    }),
  )
})

test.each([2n ** 63n, -(2n ** 63n) - 1n, 1, '1', null])(
  'what is no long is refused: %s',
  (value) => {
    expect(() => long.toBuffer(value)).toThrow()
  },
)

test('any text is written and read as it is specified, whatever its length', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.nat(140).map((length) => 'a'.repeat(length)),
        fc.string({ maxLength: 70 }),
        fc.string({ unit: 'binary', maxLength: 70 }),
      ),
      fc.nat(70),
      (value, room) => {
        expect(text.toBuffer(value)).toEqual(textBytes(value))
        expect(text.fromBuffer(textBytes(value))).toBe(value)
        const short = textBytes(value).length - room
        const place = Buffer.alloc(room)
        // What did not fit is told as a negative number, and what is behind the end stays untouched.
        expect(text.encode(value, place)).toBe(short > 0 ? -short : textBytes(value).length)
      },
    ),
  )
})

test('what is no text is refused, in place of null too', () => {
  for (const value of [1, undefined, {}, Buffer.from('a')]) {
    expect(() => text.toBuffer(value)).toThrow()
    expect(() => nullable.toBuffer(value)).toThrow()
  }
})

test('a nullable text is null or the text', () => {
  expect(nullable.toBuffer(null)).toEqual(Buffer.of(0))
  expect(nullable.toBuffer('a')).toEqual(Buffer.concat([varint(1n), textBytes('a')]))
  expect(nullable.fromBuffer(Buffer.of(0))).toBeNull()
  expect(() => nullable.fromBuffer(Buffer.of(4, 0))).toThrow()
  expect(() => nullable.fromBuffer(Buffer.of(1))).toThrow()
})

test('a member of a union is its place and itself, and what is no member is refused', () => {
  const bytes = Buffer.concat([varint(1n), varint(1n), textBytes('a')])
  expect(union.toBuffer({ type: 'Second', note: 'a' })).toEqual(bytes)
  expect(union.fromBuffer(bytes)).toEqual({ type: 'Second', note: 'a' })
  expect(() => union.fromBuffer(Buffer.of(6, 0))).toThrow()
  expect(() => union.fromBuffer(Buffer.of(1, 0))).toThrow()
  for (const type of ['Fourth', 'test.First', 'toString', undefined])
    expect(() => union.toBuffer({ type, note: null })).toThrow()
})
