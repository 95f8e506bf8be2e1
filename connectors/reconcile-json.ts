import type { ReconcileAccount } from '../schemas/types.ts'
import { requiredAmountOf } from './amount-json.ts'
import {
  calendarDate,
  decimal,
  id,
  minorUnits,
  only,
  optional,
  required,
  shape,
  text,
  type Reader,
} from './json-fields.ts'

const fields = shape({
  type: only('ReconcileAccount'),
  accountId: required(id),
  currency: required(text),
  statementOn: required(calendarDate),
  statement: optional(decimal),
  statementMinor: optional(minorUnits),
  adjustmentId: optional(id),
})

export const reconcileAccount: Reader<ReconcileAccount> = (value, path) => {
  const { statement: amount, statementMinor: amountMinor, ...rest } = fields(value, path)
  const given = { amount, amountMinor, currency: rest.currency }
  return { ...rest, statementMinor: requiredAmountOf(given, path, 'statement') }
}
