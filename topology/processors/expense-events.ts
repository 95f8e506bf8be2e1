import { textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking, Expense, ExpenseEvent, ExpenseEventBody } from '../../schemas/types.ts'

/** What an event of a ledger says about an expense; undefined where it says nothing, as a split does, which moves nothing. */
export function expenseEvent(event: OpenedEvent): ExpenseEvent | undefined {
  const body = bodyOf(event)
  if (body === undefined) return undefined
  const { eventId, userId, version, recordedAt } = event
  return { eventId, userId, version, recordedAt, body }
}

function bodyOf({ body, personal }: OpenedEvent): ExpenseEventBody | undefined {
  switch (body.type) {
    case 'TransactionCreated':
      if (body.kind !== 'expense') return undefined
      return {
        type: 'ExpenseCreated',
        expenseId: body.transactionId,
        after: expenseOf(body, body.currency),
        description: textOf(personal, 'description'),
      }
    case 'TransactionUpdated':
      if (body.before.kind !== 'expense') return undefined
      return {
        type: 'ExpenseUpdated',
        expenseId: body.transactionId,
        before: expenseOf(body.before, body.currency),
        after: expenseOf(body.after, body.currency),
        describedAnew: true,
        description: textOf(personal, 'description'),
        previousDescription: textOf(personal, 'previousDescription'),
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
        description: null,
        previousDescription: null,
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
