/** The commands that examples are told with: one household, one account, one purchase. */
import type {
  AmendTransaction,
  Booking,
  CreateCategory,
  CreateExpense,
  DeleteTransaction,
  OpenAccount,
  ReconcileAccount,
  RecordTransaction,
  SetBudget,
  SetPreferences,
  SplitTransaction,
  TransferMoney,
  UpdateExpense,
} from '../../schemas/types.ts'
import { NOW } from './specification.ts'

export const opened: OpenAccount = {
  type: 'OpenAccount',
  accountId: 'a-1',
  kind: 'checking',
  currency: 'NOK',
  name: 'Everyday',
  bankName: 'A bank',
}

export function openedIn(currency: string, accountId = 'a-1'): OpenAccount {
  return { ...opened, accountId, currency }
}

export const groceries: RecordTransaction = {
  type: 'RecordTransaction',
  transactionId: 't-1',
  accountId: 'a-1',
  amountMinor: -12_550n,
  currency: 'NOK',
  occurredAt: NOW,
  bookedOn: null,
  source: 'manual',
  categoryId: null,
  mcc: null,
  description: 'corner shop 42',
  merchant: null,
  counterparty: 'A neighbour',
  note: 'for the party',
  rawData: null,
}

export function recorded(changes: Partial<RecordTransaction>): RecordTransaction {
  return { ...groceries, ...changes }
}

/** What `groceries` counts for; it is told on the day it happened. */
export function booking(changes: Partial<Booking>): Booking {
  return {
    amountMinor: -12_550n,
    bookedOn: Math.floor(NOW / 86_400_000),
    categoryId: 'uncategorized',
    parts: [],
    kind: 'ordinary',
    ...changes,
  }
}

export function amended(changes: Partial<AmendTransaction>): AmendTransaction {
  return {
    type: 'AmendTransaction',
    transactionId: 't-1',
    amountMinor: null,
    occurredAt: null,
    bookedOn: null,
    description: null,
    merchant: null,
    counterparty: null,
    note: null,
    ...changes,
  }
}

export const deleted: DeleteTransaction = { type: 'DeleteTransaction', transactionId: 't-1' }

export function created(categoryId: string, name: string): CreateCategory {
  return { type: 'CreateCategory', categoryId, name }
}

export function preferences(changes: Partial<SetPreferences>): SetPreferences {
  return { type: 'SetPreferences', baseCurrency: null, timeZone: null, locale: null, ...changes }
}

export function budgeted(changes: Partial<SetBudget>): SetBudget {
  return {
    type: 'SetBudget',
    budgetId: 'b-1',
    categoryId: 'groceries',
    currency: 'NOK',
    month: null,
    amountMinor: 500_000n,
    thresholds: null,
    name: null,
    ...changes,
  }
}

export function splitInto(
  ...parts: readonly (readonly [categoryId: string, amountMinor: bigint | null])[]
): SplitTransaction {
  return {
    type: 'SplitTransaction',
    transactionId: 't-1',
    parts: parts.map(([categoryId, amountMinor]) => ({ categoryId, amountMinor })),
  }
}

export function reconciled(changes: Partial<ReconcileAccount>): ReconcileAccount {
  return {
    type: 'ReconcileAccount',
    accountId: 'a-1',
    currency: 'NOK',
    statementOn: Math.floor(NOW / 86_400_000),
    statementMinor: 0n,
    adjustmentId: null,
    ...changes,
  }
}

export function transferred(changes: Partial<TransferMoney>): TransferMoney {
  return {
    type: 'TransferMoney',
    fromTransactionId: 'from',
    toTransactionId: 'to',
    fromAccountId: 'a-1',
    toAccountId: 'a-2',
    amountMinor: 700n,
    currency: 'NOK',
    occurredAt: NOW,
    bookedOn: null,
    description: null,
    note: null,
    ...changes,
  }
}

export function spent(changes: Partial<CreateExpense>): CreateExpense {
  return {
    type: 'CreateExpense',
    expenseId: 'e-1',
    categoryId: 'groceries',
    amountMinor: 450_000n,
    currency: 'TZS',
    expenseOn: Math.floor(NOW / 86_400_000),
    description: 'at the market',
    ...changes,
  }
}

export function respent(changes: Partial<UpdateExpense>): UpdateExpense {
  return {
    type: 'UpdateExpense',
    expenseId: 'e-1',
    categoryId: null,
    amountMinor: null,
    expenseOn: null,
    description: null,
    ...changes,
  }
}
