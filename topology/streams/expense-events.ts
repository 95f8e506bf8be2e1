import { expenseEventCodec } from '../../schemas/codec.ts'
import type {
  Booking,
  Expense,
  ExpenseEvent,
  ExpenseEventBody,
  LedgerEvent,
} from '../../schemas/types.ts'
import { stream } from './stream.ts'

/** What happens to expenses, in their own words and with positive amounts. */
export const expenseEvents = stream({
  name: 'expense-events',
  topic: 'expenses.events',
  codec: expenseEventCodec,
  step: expenseEvent,
})

/** What an event of a ledger says about an expense; undefined where it says nothing, as a split does, which moves nothing. */
export function expenseEvent(event: LedgerEvent): ExpenseEvent | undefined {
  const body = bodyOf(event)
  if (body === undefined) return undefined
  const { eventId, userId, sequence, version, recordedAt, personal } = event
  return { eventId, userId, sequence, version, recordedAt, personal, body }
}

function bodyOf({ body }: LedgerEvent): ExpenseEventBody | undefined {
  switch (body.type) {
    case 'TransactionCreated':
      if (body.kind !== 'expense') return undefined
      return {
        type: 'ExpenseCreated',
        expenseId: body.transactionId,
        after: expenseOf(body, body.currency),
      }
    case 'TransactionUpdated':
      if (body.before.kind !== 'expense') return undefined
      return {
        type: 'ExpenseUpdated',
        expenseId: body.transactionId,
        before: expenseOf(body.before, body.currency),
        after: expenseOf(body.after, body.currency),
        describedAnew: true,
      }
    case 'TransactionCategoryOverridden': {
      if (body.before.kind !== 'expense') return undefined
      const before = expenseOf(body.before, body.currency)
      return {
        type: 'ExpenseUpdated',
        expenseId: body.transactionId,
        before,
        after: { ...before, categoryId: body.categoryId },
        describedAnew: false,
      }
    }
    case 'TransactionDeleted':
      if (body.before.kind !== 'expense') return undefined
      return {
        type: 'ExpenseDeleted',
        expenseId: body.transactionId,
        before: expenseOf(body.before, body.currency),
      }
    default:
      return undefined
  }
}

function expenseOf(
  { amountMinor, bookedOn, categoryId }: Pick<Booking, 'amountMinor' | 'bookedOn' | 'categoryId'>,
  currency: string,
): Expense {
  return { categoryId, amountMinor: -amountMinor, currency, expenseOn: bookedOn }
}
