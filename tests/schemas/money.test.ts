import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exponents } from '../../schemas/currencies.ts'
import {
  addMinor,
  displayMoney,
  exponentOf,
  formatMinor,
  isCurrency,
  MINOR_MAX,
  MINOR_MIN,
  parseMinor,
} from '../../schemas/money.ts'

const minors = fc.bigInt({ min: MINOR_MIN, max: MINOR_MAX })
const currencies = fc.constantFrom(...exponents.keys())
const moneyInvalid = expect.objectContaining({ code: 'SALDO_MONEY_INVALID' })

describe('currencies', () => {
  test.each([
    ['JPY', 0],
    ['ISK', 0],
    ['UGX', 0],
    ['NOK', 2],
    ['TZS', 2],
    ['HUF', 2],
    ['BHD', 3],
    ['IQD', 3],
    ['JOD', 3],
    ['KWD', 3],
    ['LYD', 3],
    ['OMR', 3],
    ['TND', 3],
    ['CLF', 4],
    ['UYW', 4],
  ])('%s has the ISO 4217 exponent %i', (currency, exponent) => {
    expect(exponentOf(currency)).toBe(exponent)
  })

  test('every code is three capital letters and listed once', () => {
    const codes = [...exponents.keys()]
    expect(codes.filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([])
    // 17 + 141 + 7 + 2: a code written twice would make the map smaller than the lists.
    expect(codes.length).toBe(167)
  })

  test.each(['nok', 'XXX', 'XAU', '', 'NOK ', '__proto__', 'constructor'])(
    '%j is no currency',
    (code) => {
      expect(isCurrency(code)).toBe(false)
      expect(() => exponentOf(code)).toThrow(moneyInvalid)
      expect(() => parseMinor('1', code)).toThrow(moneyInvalid)
      expect(() => formatMinor(1n, code)).toThrow(moneyInvalid)
    },
  )
})

describe('plain decimals', () => {
  test.each([
    ['-12.50', 'NOK', -1250n],
    ['0.05', 'NOK', 5n],
    ['-0.01', 'TZS', -1n],
    ['1500000.00', 'TZS', 150_000_000n],
    ['1234', 'JPY', 1234n],
    ['-7', 'JPY', -7n],
    ['1.005', 'KWD', 1005n],
    ['-0.001', 'KWD', -1n],
    ['92233720368547758.07', 'NOK', MINOR_MAX],
    ['-92233720368547758.08', 'NOK', MINOR_MIN],
  ])('%s %s is read and written without loss', (text, currency, minor) => {
    expect(parseMinor(text, currency)).toBe(minor)
    expect(formatMinor(minor, currency)).toBe(text)
  })

  test('what is written is read back, for every currency and amount', () => {
    fc.assert(
      fc.property(minors, currencies, (minor, currency) => {
        expect(parseMinor(formatMinor(minor, currency), currency)).toBe(minor)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['+5', 'NOK', 500n],
    ['5', 'NOK', 500n],
    ['5.1', 'NOK', 510n],
    ['007.50', 'NOK', 750n],
    ['-0', 'NOK', 0n],
    ['-0.00', 'JPY', 0n],
  ])('%s %s is a spelling of the same amount', (text, currency, minor) => {
    expect(parseMinor(text, currency)).toBe(minor)
  })

  test('zeros beyond the exponent lose nothing and are accepted', () => {
    expect(parseMinor('1.5000000000000000000000', 'NOK')).toBe(150n)
    expect(parseMinor('9223372036854775807.0000000000000000', 'JPY')).toBe(MINOR_MAX)
  })

  test.each([
    ['1.005', 'NOK'],
    ['0.1', 'JPY'],
    ['1.0005', 'KWD'],
    ['1.000000000000000000000000000000000000000000000000000001', 'NOK'],
  ])('%s %s would lose a digit and is refused', (text, currency) => {
    expect(() => parseMinor(text, currency)).toThrow(moneyInvalid)
  })

  test.each([
    ['92233720368547758.08', 'NOK'],
    ['-92233720368547758.09', 'NOK'],
    ['9223372036854775808', 'JPY'],
    ['9223372036854775.808', 'KWD'],
    ['9'.repeat(64), 'NOK'],
  ])('%s %s is beyond 64 bits and is refused', (text, currency) => {
    expect(() => parseMinor(text, currency)).toThrow(moneyInvalid)
  })

  test('a text of many digits is refused before it is computed with', () => {
    expect(() => parseMinor('0'.repeat(100_000), 'NOK')).toThrow(moneyInvalid)
  })

  test.each(
    '1e2|1E2|1e400|NaN|Infinity|-Infinity||  |1 000| 1|1 |1\n|1\u00a0000|1,50|1_000|.5|5.|-|+|--1|0x10|١٢|１'.split(
      '|',
    ),
  )('%j is not a plain decimal and is refused', (text) => {
    expect(() => parseMinor(text, 'NOK')).toThrow(moneyInvalid)
  })

  test('any other text is refused with a SaldoError or read exactly', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String)), currencies, (text, currency) => {
        try {
          const written = formatMinor(parseMinor(text, currency), currency)
          expect(Number(written)).toBe(Number(text) === 0 ? 0 : Number(text))
        } catch (error) {
          expect(error).toEqual(moneyInvalid)
        }
      }),
    )
  })
})

test('a sum beyond 64 bits is refused in both directions', () => {
  expect(addMinor(MINOR_MAX, MINOR_MIN)).toBe(-1n)
  expect(addMinor(MINOR_MAX - 1n, 1n)).toBe(MINOR_MAX)
  expect(() => addMinor(MINOR_MAX, 1n)).toThrow(moneyInvalid)
  expect(() => addMinor(MINOR_MIN, -1n)).toThrow(moneyInvalid)
})

describe('money for people', () => {
  /** ICU releases differ in the kind of blank and minus they print. */
  const shown = (minor: bigint, currency: string, locale: string) =>
    displayMoney(minor, currency, locale)
      .replaceAll(/[\u00a0\u202f]/g, ' ')
      .replaceAll('\u2212', '-')

  test('kroner follow Norwegian habits', () => {
    expect(shown(-123_450n, 'NOK', 'nb-NO')).toBe('-1 234,50 kr')
    expect(shown(100n, 'NOK', 'nb-NO')).toBe('1,00 kr')
  })

  test('shillings show cents only where there are any', () => {
    expect(shown(150_000_000n, 'TZS', 'en-TZ')).toBe('TSh 1,500,000')
    expect(shown(150_000_050n, 'TZS', 'en-TZ')).toBe('TSh 1,500,000.50')
    expect(shown(150_000_000n, 'TZS', 'sw-TZ')).toBe('TSh 1,500,000')
  })

  test('every digit of the largest amount is shown', () => {
    expect(shown(MINOR_MAX, 'NOK', 'nb-NO')).toBe('92 233 720 368 547 758,07 kr')
  })

  test('decimals follow ISO where Intl would round them away', () => {
    expect(shown(1_234n, 'IQD', 'en')).toBe('IQD 1.234')
    expect(shown(1_234n, 'JPY', 'en')).toBe('¥1,234')
  })

  test('an unknown locale is a SaldoError', () => {
    expect(() => displayMoney(1n, 'NOK', 'not a locale')).toThrow(
      expect.objectContaining({ code: 'SALDO_INPUT_INVALID' }),
    )
  })
})
