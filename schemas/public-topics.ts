import {
  budgetExceededCodec,
  categorizedTransactionCodec,
  createdTransactionCodec,
  expenseEventCodec,
  type Codec,
} from './codec.ts'
import type { TopicName } from './topics.ts'
import type {
  BudgetExceeded,
  CategorizedTransaction,
  CreatedTransaction,
  ExpenseEvent,
} from './types.ts'

export type PublicRecord =
  | CreatedTransaction
  | CategorizedTransaction
  | ExpenseEvent
  | BudgetExceeded

/** Topics for readers outside, with what their values are. */
export const publicTopics = {
  'transactions.created': createdTransactionCodec,
  'transactions.categorized': categorizedTransactionCodec,
  'expenses.events': expenseEventCodec,
  'budgets.exceeded': budgetExceededCodec,
} as const satisfies { readonly [topic in TopicName]?: Pick<Codec<PublicRecord>, 'decode'> }

export type PublicTopic = keyof typeof publicTopics
