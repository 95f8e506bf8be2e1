import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAmount, readDate } from '../../connectors/cells.ts'
import type { CsvRow } from '../../connectors/csv.ts'
import { dnb } from '../../connectors/profiles/dnb.ts'
import { generic } from '../../connectors/profiles/generic.ts'
import type { Profile } from '../../connectors/profiles/profile.ts'
import { MINOR_MIN, formatMinor } from '../../schemas/money.ts'
import { importedRows, type Imported } from '../support/imported.ts'

type Purchase = { readonly date: string; readonly amount: string; readonly description: string }

async function* rowsOf(purchases: readonly Purchase[]): AsyncGenerator<CsvRow> {
  for (const [index, cells] of purchases.entries()) {
    yield { kind: 'row', line: index + 2, fields: Object.values(cells), cells }
  }
}

function importedAs(profile: string, purchases: readonly Purchase[]): Promise<Imported> {
  return importedRows(rowsOf(purchases), { profile, currency: 'NOK' })
}

function idsOf({ commands }: Imported): readonly string[] {
  return commands.map(({ body }) => body.transactionId)
}

const purchase: fc.Arbitrary<Purchase> = fc.record({
  date: fc.constantFrom('2026-01-05', '2026-01-06'),
  amount: fc.constantFrom('-1.00', '-2.50', '3.00'),
  description: fc.constantFrom('a', 'b', 'c'),
})
const purchases = fc.array(purchase, { maxLength: 20 })

describe('ids of imported rows', () => {
  test('are the same when the same rows come again, and each is used once', async () => {
    const repeatable = fc.asyncProperty(purchases, async (rows) => {
      const first = await importedAs('generic', rows)
      expect(await importedAs('generic', rows)).toEqual(first)
      expect(new Set(idsOf(first)).size).toBe(rows.length)
    })
    await fc.assert(repeatable, { numRuns: 100 })
  })

  test('do not depend on the order of the rows', async () => {
    const order = fc.asyncProperty(purchases, fc.nat(), async (rows, turn) => {
      const at = rows.length === 0 ? 0 : turn % rows.length
      const turned = [...rows.slice(at), ...rows.slice(0, at)].toReversed()
      const ids = idsOf(await importedAs('generic', rows))
      expect(idsOf(await importedAs('generic', turned)).toSorted()).toEqual(ids.toSorted())
    })
    await fc.assert(order, { numRuns: 100 })
  })

  test('do not change when a row of other content is put before them', async () => {
    const unrelated = { date: '2026-01-07', amount: '9.99', description: 'other' }
    const before = fc.asyncProperty(purchases, async (rows) => {
      const [, ...ids] = idsOf(await importedAs('generic', [unrelated, ...rows]))
      expect(ids).toEqual(idsOf(await importedAs('generic', rows)))
    })
    await fc.assert(before, { numRuns: 50 })
  })

  test('tell every part of the content apart', async () => {
    const one = { date: '2026-01-05', amount: '-1.00', description: 'a' }
    const others = [
      one,
      { ...one, date: '2026-01-06' },
      { ...one, amount: '-1.01' },
      { ...one, description: 'A' },
      { ...one, merchant: 'a' },
      { ...one, counterparty: 'a' },
      { ...one, reference: 'a' },
      { ...one, currency: 'SEK' },
    ]
    const alone = await Promise.all(others.map((row) => importedAs('generic', [row])))
    expect(new Set(alone.flatMap(idsOf)).size).toBe(others.length)
  })

  test('do not depend on a note, on blanks around a text or on how a letter is composed', async () => {
    const one = { date: '2026-01-05', amount: '-1.00', description: 'kaf\u00e9' }
    const same = { date: ' 2026-01-05', amount: '-1.0', description: ' kafe\u0301 ', note: 'x' }
    expect(idsOf(await importedAs('generic', [same]))).toEqual(
      idsOf(await importedAs('generic', [one])),
    )
  })
})

test('the smallest amount has no opposite, so it is a problem where spending is positive', async () => {
  const amount = formatMinor(MINOR_MIN, 'NOK')
  const row = { date: '05/01/2026', amount, description: 'a' }
  expect((await importedAs('oxford', [row])).problems).toEqual([
    '2 amount: the amount is beyond 64 bits',
  ])
})

test('a row too long to keep as it was is a problem', async () => {
  const row = { date: '2026-01-05', amount: '1', description: 'a'.repeat(20_000) }
  expect((await importedAs('generic', [row])).problems).toEqual([
    '2 row: the row is longer than 20000 characters',
  ])
})

const points: Profile = { ...generic, thousands: [','], dateFormats: ['MM/dd/yyyy', 'yyyy-MM-dd'] }

describe('an amount', () => {
  test.for([
    [points, '1,234,567.89', 123456789n],
    [points, '-.5', -50n],
    [points, '(12.50)', -1250n],
    [points, '12.50-', -1250n],
    [points, '\u221212.50', -1250n],
    [points, '+ 3', 300n],
    [dnb, '1.234,5', 123450n],
    [dnb, '1\u00a0234,50', 123450n],
    [dnb, '1\u202f234', 123400n],
  ] as const)('%# %s is read', ([profile, cell, minor]) => {
    expect(readAmount(cell, 'NOK', profile)).toEqual({ ok: true, value: minor })
  })

  test.for([
    [points, '12,50'],
    [points, '1,2345.00'],
    [points, ',123'],
    [points, '1 234.50'],
    [points, '-(1.00)'],
    [points, '(1.00'],
    [points, '--1'],
    [points, '1.'],
    [points, '.'],
    [points, '-'],
    [points, '1e3'],
    [points, 'NaN'],
    [points, '１２'],
    [points, ' '],
    [points, '9'.repeat(65)],
    [points, `1${' '.repeat(60_000)}(`],
    [dnb, '12.50'],
    [dnb, '1.234.56'],
    [generic, '1,234.00'],
  ] as const)('%# %s is not guessed', ([profile, cell]) => {
    expect(readAmount(cell, 'NOK', profile)).toMatchObject({ ok: false })
  })
})

describe('a date', () => {
  test.for([
    ['12/31/2025', Date.UTC(2025, 11, 31)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
  ] as const)('%s is read by the first form that fits', ([cell, ms]) => {
    const value = { bookedOn: ms / 86_400_000, occurredAt: ms }
    expect(readDate(cell, points)).toEqual({ ok: true, value })
  })

  test.for([
    ['31/12/2025', '"31/12/2025" is a date that does not exist'],
    ['2025-02-29', '"2025-02-29" is a date that does not exist'],
    ['1/2/2025', '"1/2/2025" is not a date of the form MM/dd/yyyy or yyyy-MM-dd'],
    ['2025-01-01T00:00', '"2025-01-01T00:00" is not a date of the form MM/dd/yyyy or yyyy-MM-dd'],
    ['', 'the date is empty'],
  ] as const)('%s is a problem', ([cell, sentence]) => {
    expect(readDate(cell, points)).toEqual({ ok: false, sentence })
  })
})
