/** Amounts in JSON: decimals in a currency, or minor units; never both, never a JSON number with a point. */
import { SaldoError } from '../schemas/errors.ts'
import { isCurrency, parseMinor } from '../schemas/money.ts'
import { decimal, minorUnits, misfit, optional } from './json-fields.ts'

export const theAmount = { amount: optional(decimal), amountMinor: optional(minorUnits) }

export type AmountFields = {
  readonly amount: string | null
  readonly amountMinor: bigint | null
  readonly currency: string | null
}

export function amountOf(
  { amount, amountMinor, currency }: AmountFields,
  path: string,
  name = 'amount',
): bigint | null {
  if (amount === null) return amountMinor
  if (amountMinor !== null) throw misfit(`${path}.${name}Minor`, `${name} is given as well`)
  if (currency === null) {
    throw misfit(`${path}.currency`, `is missing: it says how many decimals ${name} has`)
  }
  if (!isCurrency(currency)) {
    throw misfit(`${path}.currency`, `${JSON.stringify(currency)} is not an ISO 4217 currency`)
  }
  try {
    return parseMinor(amount, currency)
  } catch (error) {
    if (error instanceof SaldoError) throw misfit(`${path}.${name}`, error.message)
    throw error
  }
}

export function requiredAmountOf(fields: AmountFields, path: string, name = 'amount'): bigint {
  const minor = amountOf(fields, path, name)
  if (minor === null) throw misfit(`${path}.${name}`, 'is missing')
  return minor
}
