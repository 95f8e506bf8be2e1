import type { DeleteTransfer, TransferMoney } from '../schemas/types.ts'
import { requiredAmountOf, theAmount } from './amount-json.ts'
import { calendarDate, id, instant, only, optional, required, shape, text } from './json-fields.ts'
import type { Reader } from './json-fields.ts'

const DAY_MS = 86_400_000

const fields = shape({
  type: only('TransferMoney'),
  fromTransactionId: required(id),
  toTransactionId: required(id),
  fromAccountId: required(id),
  toAccountId: required(id),
  ...theAmount,
  currency: required(text),
  occurredAt: optional(instant),
  bookedOn: optional(calendarDate),
  description: optional(text),
  note: optional(text),
})

export function transferMoney(value: unknown, path: string, now: number): TransferMoney {
  const { amount, amountMinor, occurredAt, ...rest } = fields(value, path)
  const given = { amount, amountMinor, currency: rest.currency }
  return {
    ...rest,
    amountMinor: requiredAmountOf(given, path),
    // As for any transaction: a date alone means the same whenever it is sent.
    occurredAt: occurredAt ?? (rest.bookedOn === null ? now : rest.bookedOn * DAY_MS),
  }
}

export const deleteTransfer: Reader<DeleteTransfer> = shape({
  type: only('DeleteTransfer'),
  fromTransactionId: required(id),
  toTransactionId: required(id),
})
