import { invalidInput } from '../problem.ts'

/** Beyond 64 bits of minor units there is no amount, and more than four decimals has no currency. */
const WHOLE_DIGITS_MAX = 19
const DECIMALS_MAX = 4

export const decimalSchema = {
  type: 'string',
  pattern: `^-?[0-9]{1,${WHOLE_DIGITS_MAX}}(\\.[0-9]{1,${DECIMALS_MAX}})?$`,
  description: 'a plain decimal number such as -12.50, in the currency of each transaction',
} as const

/** Two decimals by the names of their parameters, the smaller first. */
export function refuseCrossed(range: { readonly [parameter: string]: string | undefined }): void {
  const [[first, min], [last, max]] = Object.entries(range) as [Bound, Bound]
  if (min === undefined || max === undefined || scaled(min) <= scaled(max)) return
  throw invalidInput(last, `"${last}" ${max} is less than "${first}" ${min}`)
}

type Bound = [parameter: string, decimal: string | undefined]

function scaled(decimal: string): bigint {
  const [whole = '', decimals = ''] = decimal.split('.')
  return BigInt(`${whole}${decimals.padEnd(DECIMALS_MAX, '0')}`)
}
