/** What histories have to reach, for an agreement about them to say anything. */
import { exponentOf } from '../../../../schemas/money.ts'
import type { OpenedEvent } from '../../../../schemas/opened-event.ts'

const wanted: { readonly [what: string]: (event: OpenedEvent) => boolean } = {
  amendments: ({ body }) => body.type === 'TransactionUpdated',
  deletions: ({ body }) => body.type === 'TransactionDeleted',
  splits: ({ body }) => body.type === 'TransactionSplit',
  overrides: ({ body }) => body.type === 'TransactionCategoryOverridden',
  transfers: isOfKind('transfer'),
  adjustments: isOfKind('adjustment'),
  expenses: isOfKind('expense'),
  reconciliations: ({ body }) => body.type === 'AccountReconciled',
  'budgets of a month': ({ body }) => body.type === 'BudgetSet' && body.after.month !== null,
  'standing budgets': ({ body }) => body.type === 'BudgetSet' && body.after.month === null,
  'removed budgets': ({ body }) => body.type === 'BudgetRemoved',
  'currencies without decimals': isInDecimals(0),
  'currencies with two decimals': isInDecimals(2),
  'currencies with three decimals': isInDecimals(3),
  'months of another year': ({ body }) =>
    body.type === 'TransactionCreated' && body.bookedOn < Date.UTC(2026, 0) / 86_400_000,
}

export const wantedReach: readonly string[] = Object.keys(wanted)

export function reachedBy(events: readonly OpenedEvent[]): readonly string[] {
  return Object.entries(wanted).flatMap(([what, isIt]) => (events.some(isIt) ? [what] : []))
}

function isOfKind(kind: string) {
  return ({ body }: OpenedEvent): boolean =>
    body.type === 'TransactionCreated' && body.kind === kind
}

function isInDecimals(decimals: number) {
  return ({ body }: OpenedEvent): boolean =>
    body.type === 'TransactionCreated' && exponentOf(body.currency) === decimals
}
