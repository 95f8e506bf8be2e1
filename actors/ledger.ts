/**
 * The aggregates of one user as data: which aggregate a command addresses, and which states an event folds into.
 *
 * Invariant: an event belongs to one aggregate, whose version it raises; the root folds every event.
 */
import type { AggregateType, LedgerCommandBody, LedgerEventBody } from '../schemas/types.ts'

/** The ledger itself is an aggregate whose state is the root. Released events say `ledger` and stored rows `root`: neither can change. */
export type StateType = Exclude<AggregateType, 'ledger'> | 'root'
/** One state of a ledger; there is one root and one profile. */
export type StateRef = { readonly type: StateType; readonly id: string }
export type AggregateRef = { readonly type: AggregateType; readonly id: string }

const PROFILE = { type: 'profile', id: 'profile' } as const
const ROOT: StateRef = { type: 'root', id: 'root' }
/** What events of the ledger as a whole belong to. */
export const LEDGER: AggregateRef = { type: 'ledger', id: 'ledger' }

/** The aggregate that a command addresses. Its accounts, categories, budgets and profile are loaded with every ledger. */
export function addressOf(command: LedgerCommandBody): AggregateRef {
  switch (command.type) {
    case 'OpenAccount':
    case 'RenameAccount':
    case 'CloseAccount':
    case 'ReconcileAccount':
      return { type: 'account', id: command.accountId }
    case 'RecordTransaction':
    case 'AmendTransaction':
    case 'DeleteTransaction':
    case 'OverrideCategory':
    case 'SplitTransaction':
      return { type: 'transaction', id: command.transactionId }
    case 'TransferMoney':
    case 'DeleteTransfer':
      return { type: 'transaction', id: command.fromTransactionId }
    case 'CreateExpense':
    case 'UpdateExpense':
    case 'DeleteExpense':
      return { type: 'transaction', id: command.expenseId }
    case 'CreateCategory':
    case 'RenameCategory':
    case 'DeleteCategory':
      return { type: 'category', id: command.categoryId }
    case 'SetPreferences':
    case 'AdvanceTime':
      return PROFILE
    case 'SetBudget':
    case 'RemoveBudget':
      return { type: 'budget', id: command.budgetId }
    case 'UnparkLedger':
    case 'ResumeCommand':
      return LEDGER
  }
}

/** The transactions that a command names, which have to be loaded with the ledger before it is decided. */
export function transactionsOf(command: LedgerCommandBody): readonly string[] {
  if (command.type === 'ReconcileAccount')
    return command.adjustmentId === null ? [] : [command.adjustmentId]
  if (command.type === 'TransferMoney' || command.type === 'DeleteTransfer')
    return [command.fromTransactionId, command.toTransactionId]
  const { type, id } = addressOf(command)
  return type === 'transaction' ? [id] : []
}

/** Commands that create what they address: they are recognised by its id for ever and need a hash of their content. */
export function creates(command: LedgerCommandBody): boolean {
  switch (command.type) {
    case 'OpenAccount':
    case 'RecordTransaction':
    case 'CreateCategory':
    case 'TransferMoney':
    case 'CreateExpense':
      return true
    default:
      return false
  }
}

/** The states that an event folds into beside the root; the first is of the aggregate it belongs to, the root itself for the ledger. */
export function foldsInto(event: LedgerEventBody): readonly [StateRef, ...StateRef[]] {
  switch (event.type) {
    case 'AccountOpened':
    case 'AccountRenamed':
    case 'AccountClosed':
    case 'AccountReconciled':
      return [{ type: 'account', id: event.accountId }]
    case 'TransactionCreated':
    case 'TransactionUpdated':
    case 'TransactionDeleted':
      return [
        { type: 'transaction', id: event.transactionId },
        { type: 'account', id: event.accountId },
      ]
    case 'TransactionCategoryOverridden':
    case 'TransactionSplit':
      return [{ type: 'transaction', id: event.transactionId }]
    case 'CategoryCreated':
    case 'CategoryRenamed':
    case 'CategoryDeleted':
      return [{ type: 'category', id: event.categoryId }]
    case 'PreferencesChanged':
    case 'TimeAdvanced':
      return [PROFILE]
    case 'BudgetSet':
    case 'BudgetRemoved':
      return [{ type: 'budget', id: event.budgetId }]
    case 'LedgerParked':
    case 'LedgerResumed':
    case 'LedgerUnparked':
      return [ROOT]
  }
}

/** The aggregate that an event belongs to: the first that it folds into. */
export function ownerOf(event: LedgerEventBody): AggregateRef {
  const [{ type, id }] = foldsInto(event)
  return type === 'root' ? LEDGER : { type, id }
}
