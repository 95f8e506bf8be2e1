/**
 * Money that moves between two accounts of the same user.
 *
 * Invariant: both sides are created by one command and deleted by one, name each other, and have the same amount with
 * opposite signs: the sum over the accounts of a currency never changes by a transfer.
 */
import { isId } from '../../schemas/ids.ts'
import { personalOf } from '../../schemas/opened-event.ts'
import type {
  Booking,
  DeleteTransfer,
  TransactionState,
  TransferMoney,
} from '../../schemas/types.ts'
import type { BuiltInCategory } from '../../schemas/built-in-categories.ts'
import {
  reject,
  repeated,
  type Context,
  type Decision,
  type EventDraft,
  type Transaction,
} from '../decider.ts'
import { textProblem } from '../texts.ts'
import { amountProblem, balanceProblem } from './amount.ts'
import { bookedOnOf, dateProblem } from './booking-date.ts'
import { notRecorded } from './not-recorded.ts'

/** The built-in category of both sides. */
const TRANSFER: BuiltInCategory = 'transfer'

export function transfer(from: Transaction, command: TransferMoney, context: Context): Decision {
  if (from.status !== 'absent') {
    const again = repeated(from, 'fromTransactionId', context)
    return again.kind === 'duplicate' ? { ...again, count: 2 } : again
  }
  return (
    idProblem(command, context) ??
    accountsProblem(command, context) ??
    textProblem({ description: command.description, note: command.note }) ??
    dateProblem(command, context) ?? {
      kind: 'accepted',
      events: [side(command, 'from', context), side(command, 'to', context)],
    }
  )
}

/** One side alone keeps its amount, its category and its place: only together are they changed. */
export function legProblem({ kind }: Booking): Decision | undefined {
  return kind === 'transfer'
    ? reject('transactionId', 'transfer-leg', 'the transaction is one side of a transfer')
    : undefined
}

export function deleteTransfer(
  from: Transaction,
  command: DeleteTransfer,
  { ledger }: Context,
): Decision {
  const { fromTransactionId, toTransactionId } = command
  const to = ledger.transaction(toTransactionId)
  if (from.status !== 'recorded') return notRecorded(from, 'fromTransactionId')
  if (to.status !== 'recorded') return notRecorded(to, 'toTransactionId')
  // Both sides name each other, so one of them is enough to ask.
  if (to.linkedTransactionId !== fromTransactionId) {
    return reject(
      'toTransactionId',
      'transfer-missing',
      'the two transactions are not the sides of one transfer',
    )
  }
  for (const [path, { accountId, booking }] of [
    ['fromTransactionId', from],
    ['toTransactionId', to],
  ] as const) {
    const account = ledger.account(accountId)
    if (account.status !== 'open') return reject(path, 'account-closed', 'the account is closed')
    const problem = balanceProblem(account.balanceMinor - booking.amountMinor, path)
    if (problem !== undefined) return problem
  }
  return {
    kind: 'accepted',
    events: [deleted(fromTransactionId, from), deleted(toTransactionId, to)],
  }
}

function idProblem(
  { fromTransactionId, toTransactionId }: TransferMoney,
  { ledger }: Context,
): Decision | undefined {
  if (!isId(toTransactionId)) {
    return reject('toTransactionId', 'id-invalid', 'an id is 1 to 64 letters, digits and . _ : -')
  }
  const isFree =
    toTransactionId !== fromTransactionId && ledger.transaction(toTransactionId).status === 'absent'
  return isFree
    ? undefined
    : reject('toTransactionId', 'id-taken', 'the id is taken by another transaction')
}

function accountsProblem(command: TransferMoney, { ledger }: Context): Decision | undefined {
  if (command.fromAccountId === command.toAccountId)
    return reject('toAccountId', 'accounts-same', 'money moves between two different accounts')
  if (command.amountMinor <= 0n)
    return reject('amountMinor', 'amount-not-positive', 'a transfer moves more than zero')
  for (const path of ['fromAccountId', 'toAccountId'] as const) {
    const account = ledger.account(command[path])
    if (account.status === 'unopened')
      return reject(path, 'account-missing', 'there is no such account')
    if (account.status === 'closed') return reject(path, 'account-closed', 'the account is closed')
    if (account.currency !== command.currency)
      return reject('currency', 'currency-mismatch', `the account is kept in ${account.currency}`)
    const moved = path === 'fromAccountId' ? -command.amountMinor : command.amountMinor
    const problem = amountProblem(moved, account.balanceMinor + moved)
    if (problem !== undefined) return problem
  }
  return undefined
}

function side(command: TransferMoney, which: 'from' | 'to', context: Context): EventDraft {
  const { fromTransactionId, toTransactionId, amountMinor, occurredAt, description, note } = command
  const isFrom = which === 'from'
  return {
    body: {
      type: 'TransactionCreated',
      transactionId: isFrom ? fromTransactionId : toTransactionId,
      accountId: isFrom ? command.fromAccountId : command.toAccountId,
      amountMinor: isFrom ? -amountMinor : amountMinor,
      currency: command.currency,
      bookedOn: command.bookedOn ?? bookedOnOf(occurredAt, context.ledger.preferences.timeZone),
      source: 'manual',
      categoryId: TRANSFER,
      confidence: 1,
      categorySource: 'user',
      alternatives: [],
      modelVersion: '',
      mcc: null,
      contentHash: context.contentHash,
      kind: 'transfer',
      linkedTransactionId: isFrom ? toTransactionId : fromTransactionId,
    },
    personal: personalOf({ description, note }),
    occurredAt,
  }
}

function deleted(
  transactionId: string,
  { accountId, currency, booking }: TransactionState,
): EventDraft {
  return {
    body: { type: 'TransactionDeleted', transactionId, accountId, currency, before: booking },
    personal: null,
  }
}
