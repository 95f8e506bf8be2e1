import type { CreateExpense, DeleteExpense, UpdateExpense } from '../schemas/types.ts'
import { amountOf, requiredAmountOf, theAmount } from './amount-json.ts'
import { calendarDate, id, misfit, only, optional, required, shape, text } from './json-fields.ts'
import type { Reader } from './json-fields.ts'

const createFields = shape({
  type: only('CreateExpense'),
  expenseId: required(id),
  categoryId: required(id),
  ...theAmount,
  currency: required(text),
  expenseOn: required(calendarDate),
  description: optional(text),
})

const updateFields = shape({
  type: only('UpdateExpense'),
  expenseId: required(id),
  categoryId: optional(id),
  ...theAmount,
  currency: optional(text),
  expenseOn: optional(calendarDate),
  description: optional(text),
})

export const createExpense: Reader<CreateExpense> = (value, path) => {
  const { amount, amountMinor, ...fields } = createFields(value, path)
  const given = { amount, amountMinor, currency: fields.currency }
  return { ...fields, amountMinor: requiredAmountOf(given, path) }
}

export const updateExpense: Reader<UpdateExpense> = (value, path) => {
  const { amount, amountMinor, currency, ...fields } = updateFields(value, path)
  if (currency !== null && amount === null)
    throw misfit(`${path}.currency`, 'says how to read amount, which is missing')
  return { ...fields, amountMinor: amountOf({ amount, amountMinor, currency }, path) }
}

export const deleteExpense: Reader<DeleteExpense> = shape({
  type: only('DeleteExpense'),
  expenseId: required(id),
})
