import { addMinor, isCurrency } from '../../schemas/money.ts'
import { personalOf, textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import type {
  AccountState,
  CloseAccount,
  OpenAccount,
  ReconcileAccount,
  RenameAccount,
} from '../../schemas/types.ts'
import {
  accept,
  reject,
  repeated,
  unreachable,
  type Context,
  type Decider,
  type Decision,
} from '../decider.ts'
import { nameProblem, textProblem } from '../texts.ts'
import { reconcile } from './reconcile.ts'

export type Account = { readonly status: 'unopened' } | AccountState
export type AccountCommand = OpenAccount | RenameAccount | CloseAccount | ReconcileAccount

function decide(account: Account, command: AccountCommand, context: Context): Decision {
  switch (command.type) {
    case 'OpenAccount':
      if (account.status !== 'unopened') return repeated(account, 'accountId', context)
      if (!isCurrency(command.currency))
        return reject('currency', 'currency-unknown', 'the currency is not an ISO 4217 code')
      return (
        textProblem({ name: command.name, bankName: command.bankName }) ??
        accept(
          {
            type: 'AccountOpened',
            accountId: command.accountId,
            kind: command.kind,
            currency: command.currency,
            contentHash: context.contentHash,
          },
          personalOf({ name: command.name, bankName: command.bankName }),
        )
      )
    case 'RenameAccount':
      if (account.status === 'unopened') return missing()
      if (account.status === 'closed') return closed()
      return (
        nameProblem(command.name) ??
        (account.name === command.name
          ? reject('name', 'nothing-to-change', 'the account has that name already')
          : accept(
              { type: 'AccountRenamed', accountId: command.accountId },
              personalOf({ name: command.name, previousName: account.name }),
            ))
      )
    case 'CloseAccount':
      if (account.status === 'unopened') return missing()
      if (account.status === 'closed') return closed()
      if (account.balanceMinor !== 0n)
        return reject(
          'accountId',
          'balance-not-zero',
          'an account is closed with a balance of zero',
        )
      return accept({ type: 'AccountClosed', accountId: command.accountId })
    case 'ReconcileAccount':
      if (account.status === 'unopened') return missing()
      if (account.status === 'closed') return closed()
      return reconcile(account, command, context)
    default:
      return unreachable(command)
  }
}

function missing(): Decision {
  return reject('accountId', 'account-missing', 'there is no such account')
}

function closed(): Decision {
  return reject('accountId', 'account-closed', 'the account is closed')
}

/** Folds the account's own events and those of its transactions: `actors/ledger.ts` says which. */
function evolve(account: Account, event: OpenedEvent): Account {
  const { body, personal } = event
  if (body.type === 'AccountOpened') {
    if (account.status !== 'unopened')
      throw new Error(`AccountOpened on an ${account.status} account`)
    return {
      status: 'open',
      kind: body.kind,
      currency: body.currency,
      balanceMinor: 0n,
      transactionCount: 0,
      name: textOf(personal, 'name'),
      bankName: textOf(personal, 'bankName'),
      contentHash: body.contentHash,
      firstSequence: event.sequence,
    }
  }
  // An event is a fact: if it does not fit, the log is corrupt and the only safe move is a stop.
  if (account.status !== 'open')
    throw new Error(`${body.type} on an account that is ${account.status}`)
  switch (body.type) {
    case 'AccountRenamed':
      return { ...account, name: textOf(personal, 'name') }
    case 'AccountClosed':
      return { ...account, status: 'closed' }
    case 'AccountReconciled':
      return account
    case 'TransactionCreated':
      return {
        ...account,
        balanceMinor: addMinor(account.balanceMinor, body.amountMinor),
        transactionCount: account.transactionCount + 1,
      }
    case 'TransactionUpdated':
      return {
        ...account,
        balanceMinor: addMinor(
          account.balanceMinor,
          body.after.amountMinor - body.before.amountMinor,
        ),
      }
    case 'TransactionDeleted':
      return {
        ...account,
        balanceMinor: addMinor(account.balanceMinor, -body.before.amountMinor),
        transactionCount: account.transactionCount - 1,
      }
    default:
      throw new Error(`an account does not fold ${body.type}`)
  }
}

export const account: Decider<Account, AccountCommand> = {
  initial: { status: 'unopened' },
  decide,
  evolve,
}
