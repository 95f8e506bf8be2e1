import type { SplitTransaction } from '../schemas/types.ts'
import { amountOf, theAmount } from './amount-json.ts'
import {
  id,
  list,
  misfit,
  only,
  optional,
  required,
  shape,
  text,
  type Reader,
} from './json-fields.ts'

const splitFields = shape({
  type: only('SplitTransaction'),
  transactionId: required(id),
  currency: optional(text),
  parts: required(list(shape({ categoryId: required(id), ...theAmount }))),
})

export const splitTransaction: Reader<SplitTransaction> = (value, path) => {
  const { currency, parts, ...fields } = splitFields(value, path)
  if (currency !== null && parts.every(({ amount }) => amount === null)) {
    throw misfit(`${path}.currency`, 'says how to read the amounts of parts, and there are none')
  }
  return {
    ...fields,
    parts: parts.map(({ categoryId, amount, amountMinor }, index) => ({
      categoryId,
      amountMinor: amountOf({ amount, amountMinor, currency }, `${path}.parts.${index}`),
    })),
  }
}
