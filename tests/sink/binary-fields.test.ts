import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ColumnType, ColumnValue } from '../../sink/binary-fields.ts'
import { BinaryRows } from '../../sink/binary-rows.ts'

const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const END = Buffer.from([0xff, 0xff])

/** The fields of one row as PostgreSQL documents them: how many, then each with its length, -1 for null. */
function fieldsOf(bytes: Buffer): readonly (Buffer | null)[] {
  const fields: (Buffer | null)[] = []
  let position = 2
  for (let count = bytes.readInt16BE(0); count > 0; count--) {
    const length = bytes.readInt32BE(position)
    position += 4
    fields.push(length === -1 ? null : bytes.subarray(position, position + length))
    position += Math.max(0, length)
  }
  expect(position).toBe(bytes.length)
  return fields
}

function written(types: readonly ColumnType[], values: readonly ColumnValue[]): Buffer {
  const rows = new BinaryRows(types, 32)
  rows.add(values)
  return rows.take().subarray(HEADER.length)
}

function field(type: ColumnType, value: ColumnValue): string | undefined {
  return fieldsOf(written([type], [value]))[0]?.toString('hex')
}

test('any text comes back from its row, however the buffer has to grow', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
      const types = texts.map(() => 'text' as const)
      const found = fieldsOf(written(types, texts)).map((bytes) => bytes?.toString())
      expect(found).toEqual(texts)
    }),
  )
})

test('rows stand between one header and one end, in whatever pieces they are taken', () => {
  const whole = new BinaryRows(['int'])
  for (const n of [1, 2, 3]) whole.add([n])
  const expected = whole.finish()
  const rows = new BinaryRows(['int'])
  const pieces = [1, 2, 3].map((n) => {
    rows.add([n])
    return rows.take()
  })
  expect(Buffer.concat([...pieces, rows.finish()])).toEqual(expected)
  expect(expected.subarray(0, HEADER.length)).toEqual(HEADER)
  expect(expected.subarray(-2)).toEqual(END)
})

test('what was taken stays as it was', () => {
  const rows = new BinaryRows(['text'])
  rows.add(['first'])
  const taken = rows.take()
  const copy = Buffer.from(taken)
  rows.add(['other'])
  expect(taken).toEqual(copy)
})

test('null is no value: not the empty text, not zero; a column that is left out is null', () => {
  expect(fieldsOf(written(['text', 'text', 'int', 'int'], [null, '', 0]))).toEqual([
    null,
    Buffer.alloc(0),
    Buffer.alloc(4),
    null,
  ])
})

const values: readonly (readonly [ColumnType, ColumnValue, string])[] = [
  ['int', -2, 'fffffffe'],
  ['count', 2 ** 53 - 1, '001fffffffffffff'],
  ['boolean', true, '01'],
  ['boolean', false, '00'],
  ['uuid', '0189f7ea-ab27-8123-b456-0123456789ab', '0189f7eaab278123b4560123456789ab'],
  ['date', 10_957, '00000000'],
  ['date', 0, 'ffffd533'],
  ['count', -1, 'ffffffffffffffff'],
  ['timestamp', 946_684_800_001, '00000000000003e8'],
  // The years 9999 and 1, in microseconds beyond what a number counts.
  ['timestamp', 253_402_300_799_999, '0380e70b913b7c18'],
  ['timestamp', -62_135_596_800_000, 'ff1fe2ffc59c6000'],
  // digits, weight, sign, decimals, then digits of base 10,000
  ['money', 0n, '0000ffff00000000'],
  ['money', 12_345n, '000200010000000000010929'],
  ['money', -10_000n, '000200014000000000010000'],
  // No safe integer, nor is its first quotient.
  ['money', 90_071_992_547_409_930_000n, '0005000400000000232f07c8156203e10000'],
  ['share', 0.99, '0001ffff0000000426ac'],
  ['share', 1, '000200000000000400010000'],
]
test.each(values)('%s %s is written so that the column reads it', (type, value, hex) => {
  expect(field(type, value)).toBe(hex)
})

test.each([NaN, Infinity, 0.5, 2 ** 54])(
  '%s is no count, time or share of anything, and throws',
  (value) => {
    for (const type of ['count', 'timestamp'] as const) {
      expect(() => field(type, value)).toThrow('not a safe integer')
    }
    expect(() => field('share', NaN)).toThrow('not a safe integer')
  },
)

test('bytes that are a piece of a larger buffer are written alone', () => {
  const piece = Buffer.from('..abc..').subarray(2, 5)
  expect(field('bytes', piece)).toBe('616263')
  expect(field('bytes', new Uint8Array(piece))).toBe('616263')
})

test.each([
  '',
  'no uuid',
  '0189f7ea-ab27-8123-b456-0123456789a',
  '0189f7eaab278123b4560123456789ab',
])('a text that is no uuid throws: %s', (text) => {
  expect(() => field('uuid', text)).toThrow('not a uuid')
})
