/** Rows of the outbox as the budgets write them. */
import { budgetExceededCodec } from '../../schemas/codec.ts'
import type { BudgetExceeded } from '../../schemas/types.ts'
import type { OutboxRow } from '../../sink/outbox-store.ts'

export function exceeded(n: number, userId: string): BudgetExceeded {
  return {
    eventId: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    userId,
    occurredAt: n,
    recordedAt: n,
    causeEventId: `cause-${n}`,
    budgetId: 'b-1',
    budgetVersion: 1,
    categoryId: 'groceries',
    currency: 'NOK',
    month: 600,
    threshold: 80,
    amountMinor: 100n,
    spentMinor: 80n,
  }
}

/** The n-th row, in the order of their causes. */
export function outboxRow(n: number, userId: string, changes: Partial<OutboxRow> = {}): OutboxRow {
  const told = exceeded(n, userId)
  return {
    processor: 'budget-status',
    sourceOffset: BigInt(n),
    index: 0,
    eventId: told.eventId,
    topic: 'budgets.exceeded',
    userId,
    payload: budgetExceededCodec.encode(told),
    attempts: 0,
    ...changes,
  }
}
