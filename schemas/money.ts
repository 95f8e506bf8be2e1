/**
 * Money is a bigint of minor units plus an ISO 4217 code.
 *
 * Invariant: what leaves this file fits a signed 64-bit integer, which is what Avro `long` and
 * PostgreSQL `bigint` hold; nothing here passes an amount through a float.
 */
import { Decimal } from 'decimal.js'
import { exponents } from './currencies.ts'
import { SaldoError } from './errors.ts'

export const MINOR_MAX = 2n ** 63n - 1n
export const MINOR_MIN = -(2n ** 63n)

/** Longer than any amount with its zeros, and short enough that hostile digits cost nothing. */
const TEXT_LENGTH_MAX = 64
const FORMATTERS_MAX = 256

/** Plain decimals only: no exponent, no blank, no grouping, and digits on both sides of a point. */
const plainDecimal = /^[+-]?[0-9]+(?:\.[0-9]+)?$/

// Every digit of an accepted text counts, so the product below is exact.
const Exact = Decimal.clone({ precision: TEXT_LENGTH_MAX + 8, defaults: true })
const exactMax = new Exact(MINOR_MAX.toString())
const exactMin = new Exact(MINOR_MIN.toString())

/** True for a code in capital letters as ISO writes it. */
export function isCurrency(code: string): boolean {
  return exponents.has(code)
}

export function exponentOf(currency: string): number {
  const exponent = exponents.get(currency)
  if (exponent === undefined) throw invalid(`${quoted(currency)} is not an ISO 4217 currency`)
  return exponent
}

/** Reads "-12.50" as -1250n; refuses whatever would lose a digit or does not fit. */
export function parseMinor(text: string, currency: string): bigint {
  const exponent = exponentOf(currency)
  if (text.length > TEXT_LENGTH_MAX) {
    throw invalid(`${quoted(text)} is longer than ${TEXT_LENGTH_MAX} characters`)
  }
  if (!plainDecimal.test(text)) throw invalid(`${quoted(text)} is not a plain decimal number`)
  const minor = new Exact(text).times(10 ** exponent)
  if (!minor.isInteger()) {
    throw invalid(`${quoted(text)} has more than the ${exponent} decimals of ${currency}`)
  }
  if (minor.gt(exactMax) || minor.lt(exactMin)) {
    throw invalid(`${quoted(text)} ${currency} is beyond 64 bits of minor units`)
  }
  return BigInt(minor.toFixed(0))
}

/** The exact plain decimal, always with the currency's decimals: what APIs and files carry. */
export function formatMinor(minor: bigint, currency: string): string {
  const exponent = exponentOf(currency)
  if (exponent === 0) return minor.toString()
  const sign = minor < 0n ? '-' : ''
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0')
  const point = digits.length - exponent
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

export function addMinor(a: bigint, b: bigint): bigint {
  const sum = a + b
  if (sum > MINOR_MAX || sum < MINOR_MIN) throw invalid('a sum is beyond 64 bits of minor units')
  return sum
}

/** For people: symbol, grouping and sign of the locale. Never parse this text. */
export function displayMoney(minor: bigint, currency: string, locale: string): string {
  // Intl takes a decimal text digit by digit; its type only knows literals.
  return formatter(currency, locale).format(
    formatMinor(minor, currency) as Intl.StringNumericLiteral,
  )
}

/** Cents of these are kept but long out of circulation, so a whole amount is shown without them. */
const shownWhole: ReadonlySet<string> = new Set(['TZS'])

const formatters = new Map<string, Intl.NumberFormat>()

function formatter(currency: string, locale: string): Intl.NumberFormat {
  const key = `${currency} ${locale}`
  const known = formatters.get(key)
  if (known !== undefined) return known
  const created = newFormatter(currency, locale)
  // Locales come from users: the cache is bounded, and starting again costs microseconds.
  if (formatters.size >= FORMATTERS_MAX) formatters.clear()
  formatters.set(key, created)
  return created
}

function newFormatter(currency: string, locale: string): Intl.NumberFormat {
  const exponent = exponentOf(currency)
  try {
    return new Intl.NumberFormat(locale, {
      style: 'currency',
      currency,
      minimumFractionDigits: exponent,
      maximumFractionDigits: exponent,
      trailingZeroDisplay: shownWhole.has(currency) ? 'stripIfInteger' : 'auto',
    })
  } catch (error) {
    throw new SaldoError('SALDO_INPUT_INVALID', `${quoted(locale)} is not a locale`, {
      retryable: false,
      cause: error,
    })
  }
}

function invalid(message: string): SaldoError {
  return new SaldoError('SALDO_MONEY_INVALID', message)
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
