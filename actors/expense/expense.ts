/**
 * Expenses: positive amounts by date and category, told as transactions of the user's cash account.
 *
 * Invariant: an expense is a transaction of the kind `expense`, negative and within the limits, whoever changes it.
 */
import { personalOf } from '../../schemas/opened-event.ts'
import type {
  CreateExpense,
  DeleteExpense,
  TransactionState,
  UpdateExpense,
} from '../../schemas/types.ts'
import type { Account } from '../account/account.ts'
import { categoryProblem } from '../category/category-problem.ts'
import {
  accept,
  reject,
  repeated,
  unreachable,
  type Context,
  type Decision,
  type EventDraft,
  type Transaction,
} from '../decider.ts'
import { textProblem } from '../texts.ts'
import { balanceProblem } from '../transaction/amount.ts'
import { DAY_MS, dayProblem } from '../transaction/booking-date.ts'
import { notRecorded } from '../transaction/not-recorded.ts'
import { splitProblem } from '../transaction/split.ts'
import { expenseProblem } from './limits.ts'

export type ExpenseCommand = CreateExpense | UpdateExpense | DeleteExpense

/** The account that expenses in a currency are paid from. Users may open it themselves; the first expense does otherwise. */
export function cashAccountOf(currency: string): string {
  return `cash-${currency}`
}

export function decideExpense(
  transaction: Transaction,
  command: ExpenseCommand,
  context: Context,
): Decision {
  switch (command.type) {
    case 'CreateExpense':
      return transaction.status === 'absent'
        ? create(command, context)
        : createdBefore(transaction, context)
    case 'UpdateExpense':
    case 'DeleteExpense': {
      if (transaction.status === 'deleted') return notRecorded(transaction, 'expenseId')
      if (transaction.status === 'absent' || transaction.booking.kind !== 'expense')
        return reject('expenseId', 'expense-missing', 'there is no such expense')
      const account = context.ledger.account(transaction.accountId)
      if (account.status !== 'open')
        return reject('expenseId', 'account-closed', 'the cash account is closed')
      return command.type === 'UpdateExpense'
        ? update(transaction, command, account.balanceMinor, context)
        : remove(transaction, command, account.balanceMinor)
    }
    default:
      return unreachable(command)
  }
}

function create(command: CreateExpense, context: Context): Decision {
  const { currency, amountMinor } = command
  const account = context.ledger.account(cashAccountOf(currency))
  const problem =
    expenseProblem(amountMinor, currency) ??
    accountProblem(account, currency) ??
    balanceProblem((account.status === 'open' ? account.balanceMinor : 0n) - amountMinor) ??
    categoryProblem(command.categoryId, context) ??
    textProblem({ description: command.description }) ??
    dayProblem(command.expenseOn, 'expenseOn', context)
  if (problem !== undefined) return problem
  const opening = account.status === 'unopened' ? [cashAccountOpened(currency, context)] : []
  return { kind: 'accepted', events: [...opening, expenseCreated(command, context)] }
}

function accountProblem(account: Account, currency: string): Decision | undefined {
  if (account.status === 'unopened') return undefined
  if (account.status === 'closed')
    return reject('currency', 'account-closed', 'the cash account in this currency is closed')
  return account.currency === currency
    ? undefined
    : reject('currency', 'currency-mismatch', `the account is kept in ${account.currency}`)
}

/** The original result: the opening of the account belongs to it where this expense was the first. */
function createdBefore(transaction: TransactionState, context: Context): Decision {
  const again = repeated(transaction, 'expenseId', context)
  if (again.kind !== 'duplicate') return again
  const account = context.ledger.account(transaction.accountId)
  const hasOpened =
    account.status !== 'unopened' &&
    account.firstSequence === transaction.firstSequence - 1 &&
    account.contentHash.equals(transaction.contentHash)
  return hasOpened ? { ...again, firstSequence: account.firstSequence, count: 2 } : again
}

function cashAccountOpened(currency: string, context: Context): EventDraft {
  const accountId = cashAccountOf(currency)
  const { contentHash } = context
  return {
    body: { type: 'AccountOpened', accountId, kind: 'cash', currency, contentHash },
    personal: null,
  }
}

function expenseCreated(command: CreateExpense, context: Context): EventDraft {
  return {
    body: {
      type: 'TransactionCreated',
      transactionId: command.expenseId,
      accountId: cashAccountOf(command.currency),
      amountMinor: -command.amountMinor,
      currency: command.currency,
      bookedOn: command.expenseOn,
      source: 'manual',
      categoryId: command.categoryId,
      confidence: 1,
      categorySource: 'user',
      alternatives: [],
      modelVersion: '',
      mcc: null,
      contentHash: context.contentHash,
      kind: 'expense',
      linkedTransactionId: null,
    },
    personal: personalOf({ description: command.description }),
    occurredAt: command.expenseOn * DAY_MS,
  }
}

/** One event, whatever changes: readers of expenses hear of one update. */
function update(
  transaction: TransactionState,
  command: UpdateExpense,
  balanceMinor: bigint,
  context: Context,
): Decision {
  const { booking, currency } = transaction
  const after = {
    ...booking,
    amountMinor: command.amountMinor === null ? booking.amountMinor : -command.amountMinor,
    bookedOn: command.expenseOn ?? booking.bookedOn,
    categoryId: command.categoryId ?? booking.categoryId,
  }
  const description = command.description ?? transaction.description
  const isCounted =
    after.amountMinor === booking.amountMinor && after.categoryId === booking.categoryId
  const problem =
    (command.amountMinor === null ? undefined : expenseProblem(command.amountMinor, currency)) ??
    (isCounted ? undefined : splitProblem(booking)) ??
    balanceProblem(balanceMinor - booking.amountMinor + after.amountMinor) ??
    (command.categoryId === null ? undefined : categoryProblem(command.categoryId, context)) ??
    textProblem({ description: command.description }) ??
    (command.expenseOn === null ? undefined : dayProblem(command.expenseOn, 'expenseOn', context))
  if (problem !== undefined) return problem
  if (isCounted && after.bookedOn === booking.bookedOn && description === transaction.description) {
    return reject('body', 'nothing-to-change', 'the expense is like that already')
  }
  const { merchant, counterparty, note, accountId } = transaction
  return accept(
    {
      type: 'TransactionUpdated',
      transactionId: command.expenseId,
      accountId,
      currency,
      before: booking,
      after,
      previousOccurredAt: transaction.occurredAt,
    },
    personalOf({
      description,
      merchant,
      counterparty,
      note,
      previousDescription: transaction.description,
      previousMerchant: merchant,
      previousCounterparty: counterparty,
      previousNote: note,
    }),
    command.expenseOn === null ? transaction.occurredAt : command.expenseOn * DAY_MS,
  )
}

function remove(
  { accountId, currency, booking }: TransactionState,
  { expenseId }: DeleteExpense,
  balanceMinor: bigint,
): Decision {
  return (
    balanceProblem(balanceMinor - booking.amountMinor) ??
    accept({
      type: 'TransactionDeleted',
      transactionId: expenseId,
      accountId,
      currency,
      before: booking,
    })
  )
}
