/** One topic: its name for ever, its number on PostgreSQL, the schema of its values, and how long records stay. */
export type Topic = {
  readonly name: string
  readonly topicId: number
  readonly schema: string
  readonly retention: 'for-ever' | 'behind-committed-offset' | 'until-unparked' | '7-days'
}

/** Key of every record: the user id as UTF-8. All have the same number of partitions and are co-partitioned. */
export const topics = {
  'ledger.commands': {
    name: 'ledger.commands',
    topicId: 1,
    schema: 'saldo.ledger.v1.LedgerCommand',
    retention: 'behind-committed-offset',
  },
  'ledger.events': {
    name: 'ledger.events',
    topicId: 2,
    schema: 'saldo.ledger.v1.LedgerEvent',
    retention: 'for-ever',
  },
  'ledger.outcomes': {
    name: 'ledger.outcomes',
    topicId: 3,
    schema: 'saldo.ledger.v1.Outcome',
    retention: '7-days',
  },
  'ledger.parked': {
    name: 'ledger.parked',
    topicId: 4,
    schema: 'saldo.ledger.v1.ParkedCommand',
    retention: 'until-unparked',
  },
  'ledger.dead-letters': {
    name: 'ledger.dead-letters',
    topicId: 5,
    schema: 'saldo.ledger.v1.DeadLetter',
    retention: '7-days',
  },
  'transactions.created': {
    name: 'transactions.created',
    topicId: 6,
    schema: 'saldo.transaction.v1.CreatedTransaction',
    retention: '7-days',
  },
  'transactions.categorized': {
    name: 'transactions.categorized',
    topicId: 7,
    schema: 'saldo.transaction.v1.CategorizedTransaction',
    retention: '7-days',
  },
  'expenses.events': {
    name: 'expenses.events',
    topicId: 8,
    schema: 'saldo.expense.v1.ExpenseEvent',
    retention: '7-days',
  },
  'budgets.exceeded': {
    name: 'budgets.exceeded',
    topicId: 9,
    schema: 'saldo.budget.v1.BudgetExceeded',
    retention: '7-days',
  },
} as const satisfies { readonly [name: string]: Topic }

/** What every adapter of the log takes in one record. */
export const RECORD_BYTES_MAX = 1024 * 1024

/** A quarter of the largest record: events carry old and new values and must always fit. */
export const COMMAND_BYTES_MAX = RECORD_BYTES_MAX / 4

export type TopicName = keyof typeof topics
