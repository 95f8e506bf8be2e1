import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { candidatesOf, MODEL_VERSION } from '../../actors/categoriser/candidates.ts'
import { builtInCategories, isBuiltIn, UNCATEGORIZED } from '../../schemas/built-in-categories.ts'
import { knownMerchants } from '../../actors/categoriser/merchant-words.ts'
import { merchantOf, normalise } from '../../actors/categoriser/merchant.ts'

function categorised(description: string | null, amountMinor = -10_000n, merchant?: string) {
  const {
    merchant: name,
    categoryId,
    confidence,
    source,
  } = candidatesOf({
    description,
    merchant: merchant ?? null,
    amountMinor,
  })
  return { name, categoryId, confidence, source }
}

const rule = (name: string, categoryId: string) => ({
  name,
  categoryId,
  confidence: 0.99,
  source: 'rule',
})

const income = { name: null, categoryId: 'income', confidence: 0.95, source: 'income_pattern' }

const unknown = (name: string | null) => ({
  name,
  categoryId: 'uncategorized',
  confidence: 0,
  source: 'fallback',
})

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
)

describe('categories', () => {
  test('there are thirteen built-in categories, and uncategorized is reserved beside them', () => {
    expect(builtInCategories).toHaveLength(13)
    expect([...builtInCategories, UNCATEGORIZED].every(isBuiltIn)).toBe(true)
    expect(isBuiltIn('Groceries')).toBe(false)
    expect(isBuiltIn('constructor')).toBe(false)
  })
})

describe('golden cases', () => {
  test.each([
    ['VISA VARE 1234 REMA 1000 OSLO', -15_000n, rule('Rema 1000', 'groceries')],
    ['RUTER AS BILLETT', -3_900n, rule('Ruter', 'transport')],
    ['BANKAXEPT 12.01 KIWI GRØNLAND', -10_000n, rule('Kiwi', 'groceries')],
    ['VIPPS *SPOTIFY', -12_900n, rule('Spotify', 'subscriptions')],
    ['LØNN DESEMBER 2024', 4_500_000n, income],
    ['RANDOM MERCHANT XYZ', -9_900n, unknown('Random Merchant Xyz')],
    ['PAYMENT', -5_000n, unknown('Payment')],
    ['NETTGIRO FRA DNB', -10_000n, unknown(null)],
  ])('%j of %i', (description, amountMinor, expected) => {
    expect(categorised(description, amountMinor)).toEqual(expected)
  })

  test('every known spelling is found in capitals behind a payment method', () => {
    for (const { name, categoryId, words } of knownMerchants) {
      for (const spelling of words) {
        const description = `BANKAXEPT 12.01 ${spelling.toUpperCase()} 0551 BERGEN`
        expect(categorised(description)).toEqual(rule(name, categoryId))
      }
    }
  })

  test('spellings are listed once, and as normalise leaves them', () => {
    const spellings = knownMerchants.flatMap((merchant) => merchant.words)
    expect(new Set(spellings).size).toBe(spellings.length)
    expect(spellings.map(normalise)).toEqual(spellings)
  })
})

describe('merchant words', () => {
  test.each([
    'EXTRAORDINARY OFFERS',
    'NAVY STORE',
    'NAVY ',
    'THE SHELL-FISH BAR',
    'SHELLFISH',
    'O’SHELL',
    'MICE.NO',
    'ICE NO SUGAR',
    'ICE.NOT',
    'ICE CREAM',
    'CIRCLE KITCHEN',
    'CIRCLE',
    'REMA 10000',
    'REMA',
    'BURGER KINGDOM',
    'KIWIANA',
    'KIWI\u0338',
    'ЖKIWI',
    'COOPER',
    'TELENORGE',
  ])('%j is no known merchant', (description) => {
    expect(categorised(description).source).toBe('fallback')
  })

  test.each([
    ['NETFLIX.COM AMSTERDAM', 'Netflix'],
    ['ICE.NO FAKTURA', 'Ice'],
    ['KIWI', 'Kiwi'],
    ['(KIWI)', 'Kiwi'],
    ['KIWI-505 STORO', 'Kiwi'],
    ['SPOTIFY*P0A2 STOCKHOLM', 'Spotify'],
    ['🥝KIWI🥝', 'Kiwi'],
    ['Rema   1000', 'Rema 1000'],
    ['rema\u00a01000', 'Rema 1000'],
    ['Re\u00adma\u200b 1000', 'Rema 1000'],
    ['ＫＩＷＩ', 'Kiwi'],
    ['McDonald’s Karl Johan', "McDonald's"],
    ['MCDONALDS', "McDonald's"],
    ['CIRCLE\tK', 'Circle K'],
  ])('%j is %s', (description, name) => {
    expect(categorised(description)).toMatchObject({ name, source: 'rule' })
  })

  test('the longest spelling wins, and the first of equals', () => {
    expect(categorised('COOP EXTRA').name).toBe('Coop Extra')
    expect(categorised('SHELL OG CIRCLE K').name).toBe('Circle K')
    expect(categorised('KIWI MENY').name).toBe('Kiwi')
  })

  test('a stated merchant is believed before the description', () => {
    expect(categorised('next to Kiwi', -1n, 'NETFLIX.COM')).toEqual(
      rule('Netflix', 'subscriptions'),
    )
    expect(categorised('KIWI 505', -1n, ' Corner\u00a0\u0000Shop ')).toEqual(
      rule('Corner Shop', 'groceries'),
    )
    expect(categorised(null, -1n, 'Corner Shop')).toEqual(unknown('Corner Shop'))
  })
})

describe('income', () => {
  test.each(['LØNN', 'Salary January', 'REFUND 4411', 'tilbakebetaling mva'])(
    '%j that comes in is income',
    (description) => {
      expect(categorised(description, 1n)).toEqual(income)
    },
  )

  test('decomposed letters say the same as composed ones', () => {
    expect(normalise('Pa\u030askeLØNN')).toBe(normalise('PåskeLØNN'))
    expect(normalise('BLA\u200b\u030aBÆR')).toBe('blåbær')
    expect(merchantOf('BLA\u030aBÆR CAFE')).toBe('Blåbær Cafe')
  })

  test.each([
    ['LØNN DESEMBER', -1n],
    ['LØNN DESEMBER', 0n],
    ['LØNNSUTBETALING', 1n],
    ['REFUNDABLE DEPOSIT', 1n],
  ])('%j of %i is not', (description, amountMinor) => {
    expect(categorised(description, amountMinor).source).toBe('fallback')
  })

  test('a rule comes before an income pattern', () => {
    expect(categorised('REFUND NETFLIX', 9_900n)).toEqual(rule('Netflix', 'subscriptions'))
  })
})

describe('merchant names', () => {
  test.each([
    ['VIPPS*NARVESEN 05.03 OSLO', 'Narvesen'],
    ['VISA VARE 4925 12** **** 1234 BLOMSTER FINN TRONDHEIM NO', 'Blomster Finn'],
    ['VIPPS *BOKHANDEL', 'Bokhandel'],
    ['VISA xxxxxxxxxxxx1234 BOKHANDEL', 'Bokhandel'],
    ['VISA 4925123412341234 BOKHANDEL STAVANGER', 'Bokhandel'],
    ['BOKHANDEL 4925123412341234', 'Bokhandel'],
    ['BOKHANDEL DRAMMEN SENTRUM', 'Bokhandel'],
    ['BOKHANDEL 31.12.2024 KL 12', 'Bokhandel'],
    ['BOKHANDEL 2024-12-31', 'Bokhandel'],
    ['AVTALEGIRO TIL TRENING ØST', 'Trening Øst'],
    ['BERGEN KINO', 'Bergen Kino'],
    ['7-ELEVEN', '7-eleven'],
    ['XXL SPORT', 'Xxl Sport'],
    ['ødegård', 'Ødegård'],
    ['NETTGIRO', null],
    ['VISA VARE 1234', null],
    ['VIPPS FRA DNB', null],
    ['12.01.2024', null],
    ['****1234', null],
    ['', null],
    ['\u00a0', null],
    ['🥝', null],
  ])('%j names %j', (description, name) => {
    expect(merchantOf(description)).toBe(name)
  })
})

describe('any text', () => {
  test('is categorised without an error, and alike each time', () => {
    fc.assert(
      fc.property(
        fc.option(anyText),
        fc.option(anyText),
        fc.bigInt(),
        (description, merchant, amountMinor) => {
          const input = { description, merchant, amountMinor }
          const candidates = candidatesOf(input)
          expect(candidatesOf(input)).toEqual(candidates)
          expect(isBuiltIn(candidates.categoryId)).toBe(true)
          expect(candidates.merchant?.isWellFormed()).not.toBe(false)
          expect(candidates.merchant?.trim()).not.toBe('')
          expect(candidates.modelVersion).toBe(MODEL_VERSION)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('is normalised once and for all, whatever its form and case', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(normalise(normalise(text))).toBe(normalise(text))
        expect(normalise(text.normalize('NFD'))).toBe(normalise(text.normalize('NFC')))
      }),
      { numRuns: 2_000 },
    )
  })

  test('of a megabyte costs no more than its first part', () => {
    expect(categorised(`${'x '.repeat(500_000)}KIWI`).source).toBe('fallback')
    expect(categorised(`KIWI ${'*1234 '.repeat(200_000)}`).source).toBe('rule')
  })
})
