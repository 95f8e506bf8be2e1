import { existsSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { csvRows } from '../../connectors/csv.ts'
import { profileNamed, profiles } from '../../connectors/profiles/profiles.ts'
import { isoDateOf } from '../../schemas/dates.ts'
import { imported, type Imported } from '../support/imported.ts'

const OXFORD = '../shared/eval-data/oxford_procurement_card_jan_mar_2017.csv'

function fixture(name: string): string {
  return `tests/fixtures/import/${name}`
}

function amountsByLine({ commands }: Imported): readonly (readonly [number, bigint, string])[] {
  return commands.map(({ line, body }) => [line, body.amountMinor, isoDateOf(body.bookedOn ?? 0)])
}

describe('card spending, positive in the file', () => {
  const file = { path: fixture('card-spending.csv'), profile: 'oxford', currency: 'GBP' }

  test('spending becomes negative, a refund positive, and equal purchases are all kept', async () => {
    const card = await imported(file)
    expect(amountsByLine(card)).toEqual([
      [2, -3890n, '2017-01-03'],
      [3, -3890n, '2017-01-03'],
      [4, -123456n, '2017-01-04'],
      [5, 2000n, '2017-01-05'],
      [8, -500n, '2017-01-07'],
      [13, 0n, '2017-01-11'],
      [14, -999n, '2017-01-12'],
    ])
    expect(new Set(card.commands.map(({ body }) => body.transactionId)).size).toBe(7)
    expect(new Set(card.commands.map(({ commandId }) => commandId)).size).toBe(7)
  })

  test('a row that cannot be read is reported with its line and its cell, and the rows after it are read', async () => {
    expect((await imported(file)).problems).toEqual([
      '6 date: "31/02/2017" is a date that does not exist',
      '7 amount: "5.005" has more than the 2 decimals of GBP',
      '10 amount: "1,23.00" is not an amount with a decimal point',
      '11 row: the row has 2 fields and the header 6',
      '12 row: a " stands inside a field: the field must be quoted and the " doubled',
    ])
  })

  test('a command holds every text of the row and the row itself', async () => {
    const { commands } = await imported(file)
    expect(commands.at(-1)?.body).toEqual({
      type: 'RecordTransaction',
      transactionId: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab]/),
      accountId: 'acc-1',
      amountMinor: -999n,
      currency: 'GBP',
      occurredAt: Date.UTC(2017, 0, 12),
      bookedOn: Date.UTC(2017, 0, 12) / 86_400_000,
      source: 'import',
      categoryId: null,
      mcc: null,
      description: 'Catering',
      merchant: 'the "new" inn',
      counterparty: null,
      note: null,
      rawData: '["12/01/2017","1011","9.99","the \\"new\\" inn","Catering",""]',
    })
  })
})

describe('a Norwegian statement, out and in', () => {
  const read = (name: string): Promise<Imported> =>
    imported({ path: fixture(name), profile: 'dnb', currency: 'NOK' })

  test('decimal commas, grouping and dates with points are read', async () => {
    const statement = await read('norwegian-utf8-bom.csv')
    expect(amountsByLine(statement)).toEqual([
      [2, -4550n, '2026-01-02'],
      [3, 123456789n, '2026-01-03'],
      [8, -120000n, '2026-01-07'],
    ])
    expect(statement.commands.map(({ body }) => body.description)).toEqual([
      'Bakeri på hjørnet',
      'Lønn',
      'Ære være',
    ])
    expect(statement.problems).toEqual([
      '4 date: "30.02.2026" is a date that does not exist',
      '5 amount: "10,005": "10.005" has more than the 2 decimals of NOK',
      '6 amount: both columns have an amount: "1,00" and "2,00"',
      '7 amount: the amount is empty: neither column has one',
    ])
  })

  test('the same statement in ISO-8859-1 gives the same commands', async () => {
    expect(await read('norwegian-latin1.csv')).toEqual(await read('norwegian-utf8-bom.csv'))
  })
})

test('a mobile-money statement is read below the lines about the customer, with times of East Africa', async () => {
  const path = fixture('mobile-money.csv')
  const { commands, problems } = await imported({ path, profile: 'mpesa-tz', currency: 'TZS' })
  const times = commands.map(({ line, body }) => [
    line,
    body.amountMinor,
    new Date(body.occurredAt).toISOString(),
    isoDateOf(body.bookedOn ?? 0),
  ])
  expect(times).toEqual([
    [6, -1250000n, '2026-01-05T20:30:00.000Z', '2026-01-05'],
    [7, -15000n, '2026-01-05T20:30:00.000Z', '2026-01-05'],
    [8, 3000000n, '2026-01-05T21:15:00.000Z', '2026-01-06'],
  ])
  expect(problems).toEqual(['9 date: "06-01-2026 24:15:00" is a date that does not exist'])
})

test('an amount has the decimals of its currency, and a row may name its own', async () => {
  const file = { path: fixture('generic.csv'), profile: 'generic', currency: 'JPY' }
  const { commands, problems } = await imported(file)
  expect(commands.map(({ body }) => [body.amountMinor, body.currency, body.note])).toEqual([
    [-1200n, 'JPY', 'lunch'],
    [-1250n, 'NOK', null],
  ])
  expect(problems).toEqual(['4 currency: "XXQ" is not an ISO 4217 currency'])
})

test('a quote that is never closed costs its own line only', async () => {
  const file = { path: fixture('open-quote.csv'), profile: 'generic', currency: 'NOK' }
  const { commands, problems } = await imported(file)
  expect(commands.map(({ line, body }) => [line, body.description])).toEqual([
    [3, 'good'],
    [5, 'two\nlines'],
    [7, 'good'],
  ])
  expect(problems.map((problem) => problem.slice(0, 5))).toEqual(['2 row', '4 row'])
})

test.for([
  ['header-missing.csv', 'lacks "Date", "Description", a column of profile generic'],
  ['header-missing.csv', 'the columns found are "Day", "Amount", "Text"'],
  ['header-twice.csv', 'has two columns for amount: "amount"'],
  ['empty.csv', 'is empty'],
  ['binary.csv', 'is not a text file'],
  ['not-utf8.csv', 'is not valid UTF-8'],
  ['no-such-file.csv', 'cannot be read'],
] as const)('%s is refused as a whole: %s', async ([name, sentence]) => {
  const reading = imported({ path: fixture(name), profile: 'generic', currency: 'NOK' })
  await expect(reading).rejects.toMatchObject({
    code: 'SALDO_INPUT_INVALID',
    message: expect.stringContaining(sentence),
  })
})

test('progress adds up to the size of the file', async () => {
  let bytes = 0
  const path = fixture('generic.csv')
  const onBytes = (count: number): void => {
    bytes += count
  }
  await Array.fromAsync(csvRows({ path, profile: profileNamed('generic'), onBytes }))
  expect(bytes).toBe(statSync(path).size)
})

test('an unknown profile is an error that names the known ones', () => {
  expect(() => profileNamed('oxfrod')).toThrow(
    expect.objectContaining({
      code: 'SALDO_USAGE',
      message: expect.stringContaining(profiles.map(({ name }) => name).join(', ')),
    }),
  )
})

const oxfordTest = existsSync(OXFORD) ? test : test.skip
const reason = existsSync(OXFORD) ? '' : ` (skipped: ${OXFORD} is not here)`

oxfordTest(
  `the real card file of Oxford gives 1,141 commands and its exact sum${reason}`,
  async () => {
    const file = { path: OXFORD, profile: 'oxford', currency: 'GBP' }
    const { commands, problems } = await imported(file)
    expect(problems).toEqual([])
    expect(commands).toHaveLength(1141)
    expect(commands.reduce((sum, { body }) => sum + body.amountMinor, 0n)).toBe(-17866096n)
    expect(new Set(commands.map(({ body }) => body.transactionId)).size).toBe(1141)
  },
)
