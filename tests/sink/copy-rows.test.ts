import fc from 'fast-check'
import { expect, test } from 'vitest'
import { copyLine, type CopyValue } from '../../sink/copy-rows.ts'

/** Reads a line of COPY text as PostgreSQL documents it: fields between tabs, `\N` for null, backslash escapes. */
function fieldsOf(line: string): readonly (string | null)[] {
  expect(line.endsWith('\n')).toBe(true)
  return line
    .slice(0, -1)
    .split('\t')
    .map((field) => (field === '\\N' ? null : unescaped(field)))
}

function unescaped(field: string): string {
  return field.replace(/\\(.)/gs, (_, character: string) => unescapes[character] ?? character)
}

const unescapes: { readonly [character: string]: string } = { t: '\t', n: '\n', r: '\r' }

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('\\', '\t', '\n', '\r', 'N', '.', 't', '"', '{', ',', ' ') }),
)

test('any text comes back from its line', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (texts) => {
      expect(fieldsOf(copyLine(texts))).toEqual(texts)
    }),
  )
})

test('a line has one line feed, no carriage return and a tab between two columns, whatever the texts', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (texts) => {
      const line = copyLine(texts)
      expect(line.match(/[\n\r]/g)).toEqual(['\n'])
      expect(line.match(/\t/g) ?? []).toHaveLength(texts.length - 1)
    }),
  )
})

test('null is no text: not the empty one and not the text of its mark', () => {
  expect(copyLine([null, '', '\\N', 'null'])).toBe('\\N\t\t\\\\N\tnull\n')
})

test('the text that once ended a COPY is only a text', () => {
  expect(copyLine(['\\.'])).toBe('\\\\.\n')
})

const values: readonly (readonly [CopyValue, string])[] = [
  [0, '0'],
  [-1.5, '-1.5'],
  [0.0001, '0.0001'],
  [9_007_199_254_740_991, '9007199254740991'],
  [2n ** 63n - 1n, '9223372036854775807'],
  [-(10n ** 30n), `-1${'0'.repeat(30)}`],
  [true, 't'],
  [false, 'f'],
  [Buffer.from([0, 0x5c, 0xff]), '\\\\x005cff'],
  [Buffer.alloc(0), '\\\\x'],
  [[], '{}'],
  [['a', ''], '{"a",""}'],
  [['"', '\\', 'NULL', ',', '{}'], '{"\\\\"","\\\\\\\\","NULL",",","{}"}'],
]
test.each(values)('%s is written so that the column reads it', (value, written) => {
  expect(copyLine([value])).toBe(`${written}\n`)
})

test('bytes that are a piece of a larger buffer are written alone', () => {
  const piece = Buffer.from('..abc..').subarray(2, 5)
  expect(copyLine([piece])).toBe('\\\\x616263\n')
  expect(copyLine([new Uint8Array(piece)])).toBe('\\\\x616263\n')
})
