import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvRecords, type CsvRecord } from '../../connectors/csv-records.ts'

const layout = { delimiter: ',', quote: '"' } as const

async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

function recordsOf(text: string, size = text.length): Promise<readonly CsvRecord[]> {
  return Array.fromAsync(csvRecords(pieces(text, Math.max(1, size)), layout))
}

function lines(records: readonly CsvRecord[]): readonly string[] {
  return records.map((record) =>
    record.kind === 'record' ? `${record.line} ${record.fields.join('|')}` : `${record.line} !`,
  )
}

describe('records', () => {
  test.for([
    ['a,b\n\nc,d', ['1 a|b', '3 c|d']],
    ['a,b\r\n"c\r\nd",e\r\nf,g\r\n', ['1 a|b', '2 c\nd|e', '4 f|g']],
    ['a,"b\n\n""c""",d\ne', ['1 a|b\n\n"c"|d', '4 e']],
    ['a,"b" c\nd', ['1 !', '2 d']],
    ['a,5" x\nb,6" x\nc', ['1 !', '2 !', '3 c']],
    ['a,"b\nc\nd', ['1 !', '2 c', '3 d']],
    [
      `a,"b\n${'c\n'.repeat(100)}d"`,
      [
        '1 !',
        ...Array(100)
          .keys()
          .map((n) => `${n + 2} c`),
        '102 !',
      ],
    ],
    [`${'a'.repeat(70_000)}\nb`, ['1 !', '2 b']],
    [`"${'a'.repeat(70_000)}\nb`, ['1 !', '2 b']],
  ] as const)('of %j keep their line numbers', async ([text, expected]) => {
    expect(lines(await recordsOf(text))).toEqual(expected)
  })

  test('do not depend on where the pieces of the text end', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' '),
      maxLength: 60,
    })
    const sameInPieces = fc.asyncProperty(
      text,
      fc.integer({ min: 1, max: 9 }),
      async (all, size) => {
        expect(await recordsOf(all, size)).toEqual(await recordsOf(all))
      },
    )
    await fc.assert(sameInPieces, { numRuns: 300 })
  })

  test('of a well-formed file come back field by field', async () => {
    const field = fc.string({
      unit: fc.constantFrom('a', 'å', '"', ',', '\n', ';', ' '),
      maxLength: 6,
    })
    const row = fc.array(field, { minLength: 2, maxLength: 4 })
    const asWritten = fc.asyncProperty(fc.array(row, { maxLength: 8 }), async (rows) => {
      const text = rows
        .map((fields) => fields.map((one) => `"${one.replaceAll('"', '""')}"`).join(','))
        .join('\n')
      const records = await recordsOf(text, 7)
      expect(records.map((record) => record.kind === 'record' && record.fields)).toEqual(rows)
    })
    await fc.assert(asWritten, { numRuns: 200 })
  })
})
