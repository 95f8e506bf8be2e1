/** The shapes of answers that have a name in the contract: their title. */
import {
  amountSchema,
  answer,
  countSchema,
  currencySchema,
  dayOfAnswer,
  listOf,
  record,
  spentSchema,
  textOrNull,
  timeSchema,
} from './schemas.ts'

export const accountSchema = {
  title: 'Account',
  ...record({
    accountId: { type: 'string' },
    kind: { type: 'string' },
    name: textOrNull,
    bankName: textOrNull,
    currency: currencySchema,
    balance: amountSchema,
    transactionCount: countSchema,
    status: { type: 'string' },
    openedAt: timeSchema,
    updatedAt: timeSchema,
  }),
} as const

export const balanceSchema = {
  title: 'Balance',
  ...record({
    accountId: { type: 'string' },
    at: { ...textOrNull, description: 'the end of this day; null when everything counts' },
    currency: currencySchema,
    amount: amountSchema,
    transactionCount: countSchema,
  }),
} as const

export const transactionPartSchema = {
  title: 'TransactionPart',
  ...record({ categoryId: { type: 'string' }, amount: amountSchema }),
} as const

export const transactionSchema = {
  title: 'Transaction',
  ...record({
    transactionId: { type: 'string' },
    accountId: { type: 'string' },
    amount: amountSchema,
    currency: currencySchema,
    bookedOn: dayOfAnswer,
    occurredAt: timeSchema,
    description: textOrNull,
    merchant: textOrNull,
    counterparty: textOrNull,
    note: textOrNull,
    categoryId: { type: 'string' },
    categorySource: { type: 'string' },
    confidence: { type: 'number' },
    needsReview: { type: 'boolean' },
    source: { type: 'string' },
    kind: { type: 'string', description: 'ordinary, expense, adjustment or transfer' },
    linkedTransactionId: { ...textOrNull, description: 'the other side of a transfer' },
    parts: {
      type: 'array',
      items: transactionPartSchema,
      description: 'of a split: what counts instead of categoryId; empty where it is not split',
    },
    status: { type: 'string', description: 'recorded, or deleted: counts for nothing' },
    createdAt: timeSchema,
    updatedAt: timeSchema,
    version: { type: 'integer' },
  }),
} as const

export const transactionVersionSchema = {
  title: 'TransactionVersion',
  ...record({
    version: { type: 'integer' },
    type: { type: 'string', description: 'created, categorized, updated or deleted' },
    eventId: { type: 'string' },
    amount: amountSchema,
    currency: currencySchema,
    bookedOn: dayOfAnswer,
    categoryId: { type: 'string' },
    categorySource: { ...textOrNull, description: 'null where the category stayed' },
    confidence: { type: ['number', 'null'] },
    parts: listOf(transactionPartSchema),
    occurredAt: timeSchema,
    recordedAt: timeSchema,
    initiator: { type: 'string', description: 'user, system, bank_sync, import or operator' },
  }),
} as const

export const eventSchema = {
  title: 'Event',
  ...record({
    eventId: { type: 'string' },
    type: { type: 'string', description: 'what happened, such as TransactionCreated' },
    aggregateType: { type: 'string' },
    aggregateId: { type: 'string' },
    version: { type: 'integer', description: 'of the aggregate; grows by one per event' },
    sequence: { type: 'integer', description: "of the user's ledger; grows by one per event" },
    occurredAt: timeSchema,
    recordedAt: timeSchema,
    commandId: { type: 'string', description: 'the command that caused it' },
    initiator: { type: 'string', description: 'user, system, bank_sync, import or operator' },
    body: {
      type: 'object',
      additionalProperties: true,
      description: 'the facts of the event; amounts as decimals. Texts are sealed, and not in it',
    },
  }),
} as const

export const spentTotalSchema = {
  title: 'Spent',
  ...record({ currency: currencySchema, amount: spentSchema, transactionCount: countSchema }),
} as const

export const spendingGroupSchema = {
  title: 'SpendingGroup',
  ...record({
    key: {
      ...textOrNull,
      description: 'a category, merchant, date or ISO week; null for spending without a merchant',
    },
    currency: currencySchema,
    amount: spentSchema,
    transactionCount: countSchema,
  }),
} as const

export const transactionListSchema = {
  title: 'TransactionList',
  ...answer({
    transactions: listOf(transactionSchema),
    nextCursor: { type: ['string', 'null'], description: 'null after the last row' },
  }),
} as const

export const spendingAnalyticsSchema = {
  title: 'SpendingAnalytics',
  ...answer({
    period: { type: 'string' },
    groupBy: { type: 'string' },
    from: dayOfAnswer,
    to: dayOfAnswer,
    totals: listOf(spentTotalSchema),
    groups: listOf(spendingGroupSchema),
    truncated: {
      type: 'boolean',
      description: 'whether there are more groups, of which the totals know',
    },
  }),
} as const

export const monthlySpendingSchema = {
  title: 'MonthlySpending',
  ...record({
    month: { type: 'string' },
    categoryId: { type: 'string' },
    currency: currencySchema,
    amount: spentSchema,
    transactionCount: countSchema,
  }),
} as const

export const commandOutcomeSchema = {
  title: 'CommandOutcome',
  ...record({
    commandId: { type: 'string' },
    verdict: { type: 'string', description: 'accepted, rejected, duplicate, failed or parked' },
    recordedAt: timeSchema,
    aggregateType: textOrNull,
    aggregateId: textOrNull,
    version: { type: ['integer', 'null'] },
    eventIds: { type: 'array', items: { type: 'string' } },
    firstSequence: { type: ['integer', 'null'] },
    path: textOrNull,
    code: textOrNull,
    sentence: textOrNull,
  }),
} as const

export const budgetStatusSchema = {
  title: 'BudgetStatus',
  ...record({
    budgetId: { type: 'string' },
    version: { type: 'integer' },
    name: textOrNull,
    categoryId: { type: 'string' },
    currency: currencySchema,
    standing: { type: 'boolean', description: 'whether it holds in every month without its own' },
    amount: amountSchema,
    spent: spentSchema,
    remaining: { ...amountSchema, description: 'negative when too much is spent' },
    percentage: { type: 'number', description: 'rounded to two decimals; 0 of a budget of zero' },
    transactionCount: countSchema,
    thresholds: { type: 'array', items: { type: 'integer' }, description: 'percentages' },
    reached: {
      type: 'array',
      items: { type: 'integer' },
      description: 'thresholds that were told',
    },
    updatedAt: timeSchema,
  }),
} as const

export const categoryUsageSchema = {
  title: 'CategoryUsage',
  ...record({
    currency: currencySchema,
    spent: spentSchema,
    received: { ...amountSchema, description: 'what came in, as a plain decimal number; positive' },
    transactionCount: countSchema,
    lastUsedOn: dayOfAnswer,
  }),
} as const

export const categorySchema = {
  title: 'Category',
  ...record({
    categoryId: { type: 'string' },
    name: { ...textOrNull, description: 'null of a built-in one, whose id is its name' },
    builtIn: { type: 'boolean' },
    status: { type: 'string', description: 'active or deleted' },
    usage: {
      ...listOf(categoryUsageSchema),
      description: 'by currency; empty when it was not used',
    },
  }),
} as const
