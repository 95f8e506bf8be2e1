import type { RemoveBudget, SetBudget } from '../schemas/types.ts'
import { requiredAmountOf, theAmount } from './amount-json.ts'
import {
  calendarMonth,
  id,
  list,
  only,
  optional,
  required,
  shape,
  text,
  wholeNumber,
  type Reader,
} from './json-fields.ts'

const setFields = shape({
  type: only('SetBudget'),
  budgetId: required(id),
  categoryId: required(id),
  ...theAmount,
  currency: required(text),
  month: optional(calendarMonth),
  thresholds: optional(list(wholeNumber)),
  name: optional(text),
})

export const setBudget: Reader<SetBudget> = (value, path) => {
  const { amount, amountMinor, ...fields } = setFields(value, path)
  const given = { amount, amountMinor, currency: fields.currency }
  return { ...fields, amountMinor: requiredAmountOf(given, path) }
}

export const removeBudget: Reader<RemoveBudget> = shape({
  type: only('RemoveBudget'),
  budgetId: required(id),
})
