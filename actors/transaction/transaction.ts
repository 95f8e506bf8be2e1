import { personalOf, textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import type {
  AmendTransaction,
  DeleteTransaction,
  DeleteTransfer,
  OverrideCategory,
  RecordTransaction,
  SplitTransaction,
  TransactionState,
  TransferMoney,
} from '../../schemas/types.ts'
import type { Candidates } from '../categoriser/candidates.ts'
import { categoryProblem } from '../category/category-problem.ts'
import {
  accept,
  reject,
  repeated,
  unreachable,
  type Context,
  type Decider,
  type Decision,
  type Transaction,
} from '../decider.ts'
import { expenseProblem } from '../expense/limits.ts'
import { textProblem } from '../texts.ts'
import { amountProblem, balanceProblem } from './amount.ts'
import { bookedOnOf, dateProblem } from './booking-date.ts'
import { notRecorded } from './not-recorded.ts'
import { split, splitProblem } from './split.ts'
import { deleteTransfer, legProblem, transfer } from './transfer.ts'

export type TransactionCommand =
  | RecordTransaction
  | AmendTransaction
  | DeleteTransaction
  | OverrideCategory
  | SplitTransaction
  | TransferMoney
  | DeleteTransfer

function decide(transaction: Transaction, command: TransactionCommand, context: Context): Decision {
  switch (command.type) {
    case 'RecordTransaction':
      return transaction.status === 'absent'
        ? record(command, context)
        : repeated(transaction, 'transactionId', context)
    case 'AmendTransaction':
      return transaction.status === 'recorded'
        ? amend(transaction, command, context)
        : notRecorded(transaction)
    case 'DeleteTransaction':
      return transaction.status === 'recorded'
        ? remove(transaction, command, context)
        : notRecorded(transaction)
    case 'OverrideCategory':
      return transaction.status === 'recorded'
        ? override(transaction, command, context)
        : notRecorded(transaction)
    case 'SplitTransaction':
      return transaction.status === 'recorded'
        ? (legProblem(transaction.booking) ?? split(transaction, command, context))
        : notRecorded(transaction)
    case 'TransferMoney':
      return transfer(transaction, command, context)
    case 'DeleteTransfer':
      return deleteTransfer(transaction, command, context)
    default:
      return unreachable(command)
  }
}

function record(command: RecordTransaction, context: Context): Decision {
  const { ledger, candidates } = context
  const account = ledger.account(command.accountId)
  if (account.status === 'unopened')
    return reject('accountId', 'account-missing', 'there is no such account')
  if (account.status === 'closed')
    return reject('accountId', 'account-closed', 'the account is closed')
  if (account.currency !== command.currency) {
    return reject('currency', 'currency-mismatch', `the account is kept in ${account.currency}`)
  }
  const problem =
    amountProblem(command.amountMinor, account.balanceMinor + command.amountMinor) ??
    textProblem({
      description: command.description,
      merchant: command.merchant,
      counterparty: command.counterparty,
      note: command.note,
      rawData: command.rawData,
      mcc: command.mcc,
    }) ??
    dateProblem(command, context) ??
    (command.categoryId === null ? undefined : categoryProblem(command.categoryId, context))
  if (problem !== undefined) return problem
  const chosen = command.categoryId !== null
  return accept(
    {
      type: 'TransactionCreated',
      transactionId: command.transactionId,
      accountId: command.accountId,
      amountMinor: command.amountMinor,
      currency: command.currency,
      bookedOn: command.bookedOn ?? bookedOnOf(command.occurredAt, ledger.preferences.timeZone),
      source: command.source,
      categoryId: command.categoryId ?? candidates.categoryId,
      confidence: chosen ? 1 : candidates.confidence,
      categorySource: chosen ? 'user' : candidates.source,
      alternatives: chosen ? [] : candidates.alternatives,
      modelVersion: candidates.modelVersion,
      mcc: command.mcc,
      contentHash: context.contentHash,
      kind: 'ordinary',
      linkedTransactionId: null,
    },
    personalOf({
      description: command.description,
      merchant: command.merchant ?? merchantOf(candidates),
      counterparty: command.counterparty,
      note: command.note,
      rawData: command.rawData,
    }),
    command.occurredAt,
  )
}

function amend(
  transaction: TransactionState,
  command: AmendTransaction,
  context: Context,
): Decision {
  const { booking } = transaction
  const account = context.ledger.account(transaction.accountId)
  if (account.status !== 'open')
    return reject('transactionId', 'account-closed', 'the account is closed')
  const amountMinor = command.amountMinor ?? booking.amountMinor
  const occurredAt = command.occurredAt ?? transaction.occurredAt
  // A new instant without a new date moves the date with it.
  const moved =
    command.occurredAt === null
      ? booking.bookedOn
      : bookedOnOf(occurredAt, context.ledger.preferences.timeZone)
  const after = { ...booking, amountMinor, bookedOn: command.bookedOn ?? moved }
  const texts = {
    description: command.description ?? transaction.description,
    merchant: command.merchant ?? transaction.merchant,
    counterparty: command.counterparty ?? transaction.counterparty,
    note: command.note ?? transaction.note,
  }
  const problem =
    (amountMinor === booking.amountMinor
      ? undefined
      : (splitProblem(booking) ?? legProblem(booking))) ??
    (booking.kind === 'expense' ? expenseProblem(-amountMinor, transaction.currency) : undefined) ??
    amountProblem(amountMinor, account.balanceMinor - booking.amountMinor + amountMinor) ??
    // What is kept was accepted before; only what is given is judged.
    textProblem({
      description: command.description,
      merchant: command.merchant,
      counterparty: command.counterparty,
      note: command.note,
    }) ??
    dateProblem({ occurredAt: command.occurredAt, bookedOn: command.bookedOn }, context)
  if (problem !== undefined) return problem
  const sameTexts =
    texts.description === transaction.description &&
    texts.merchant === transaction.merchant &&
    texts.counterparty === transaction.counterparty &&
    texts.note === transaction.note
  const sameBooking = amountMinor === booking.amountMinor && after.bookedOn === booking.bookedOn
  if (sameTexts && sameBooking && occurredAt === transaction.occurredAt) {
    return reject('body', 'nothing-to-change', 'the transaction is like that already')
  }
  return accept(
    {
      type: 'TransactionUpdated',
      transactionId: command.transactionId,
      accountId: transaction.accountId,
      currency: transaction.currency,
      before: booking,
      after,
      previousOccurredAt: transaction.occurredAt,
    },
    personalOf({
      ...texts,
      previousDescription: transaction.description,
      previousMerchant: transaction.merchant,
      previousCounterparty: transaction.counterparty,
      previousNote: transaction.note,
    }),
    occurredAt,
  )
}

function remove(
  transaction: TransactionState,
  command: DeleteTransaction,
  context: Context,
): Decision {
  const account = context.ledger.account(transaction.accountId)
  if (account.status !== 'open')
    return reject('transactionId', 'account-closed', 'the account is closed')
  const problem =
    legProblem(transaction.booking) ??
    balanceProblem(account.balanceMinor - transaction.booking.amountMinor)
  if (problem !== undefined) return problem
  return accept({
    type: 'TransactionDeleted',
    transactionId: command.transactionId,
    accountId: transaction.accountId,
    currency: transaction.currency,
    before: transaction.booking,
  })
}

/** The words of a long description are not the name of a merchant. */
function merchantOf({ merchant }: Candidates): string | null {
  return textProblem({ merchant }) === undefined ? merchant : null
}

/** The same category again is a confirmation: it counts as the user's choice. */
function override(
  transaction: TransactionState,
  command: OverrideCategory,
  context: Context,
): Decision {
  return (
    splitProblem(transaction.booking) ??
    legProblem(transaction.booking) ??
    categoryProblem(command.categoryId, context) ??
    accept({
      type: 'TransactionCategoryOverridden',
      transactionId: command.transactionId,
      accountId: transaction.accountId,
      currency: transaction.currency,
      before: transaction.booking,
      categoryId: command.categoryId,
    })
  )
}

function evolve(transaction: Transaction, event: OpenedEvent): Transaction {
  const { body, personal } = event
  const texts = {
    description: textOf(personal, 'description'),
    merchant: textOf(personal, 'merchant'),
    counterparty: textOf(personal, 'counterparty'),
    note: textOf(personal, 'note'),
  }
  if (body.type === 'TransactionCreated') {
    if (transaction.status !== 'absent')
      throw new Error(`TransactionCreated on a ${transaction.status} transaction`)
    const { accountId, currency, amountMinor, bookedOn, categoryId, contentHash } = body
    return {
      status: 'recorded',
      accountId,
      currency,
      booking: { amountMinor, bookedOn, categoryId, parts: [], kind: body.kind },
      occurredAt: event.occurredAt,
      ...texts,
      contentHash,
      firstSequence: event.sequence,
      linkedTransactionId: body.linkedTransactionId,
    }
  }
  if (transaction.status !== 'recorded')
    throw new Error(`${body.type} on a transaction that is ${transaction.status}`)
  switch (body.type) {
    case 'TransactionUpdated':
      return { ...transaction, ...texts, booking: body.after, occurredAt: event.occurredAt }
    case 'TransactionDeleted':
      return { ...transaction, status: 'deleted' }
    case 'TransactionSplit':
      return { ...transaction, booking: body.after }
    case 'TransactionCategoryOverridden':
      return { ...transaction, booking: { ...transaction.booking, categoryId: body.categoryId } }
    default:
      throw new Error(`a transaction does not fold ${body.type}`)
  }
}

export const transaction: Decider<Transaction, TransactionCommand> = {
  initial: { status: 'absent' },
  decide,
  evolve,
}
