import { isId } from '../../schemas/ids.ts'
import { MINOR_MAX, MINOR_MIN } from '../../schemas/money.ts'
import type { AccountState, ReconcileAccount } from '../../schemas/types.ts'
import { UNCATEGORIZED } from '../../schemas/built-in-categories.ts'
import { reject, type Context, type Decision, type EventDraft } from '../decider.ts'
import { amountProblem } from '../transaction/amount.ts'
import { DAY_MS, dayProblem } from '../transaction/booking-date.ts'

/** The difference is recorded to the last minor unit; a transaction makes up for it only where its id is given. */
export function reconcile(
  account: AccountState,
  command: ReconcileAccount,
  context: Context,
): Decision {
  if (account.currency !== command.currency) {
    return reject('currency', 'currency-mismatch', `the account is kept in ${account.currency}`)
  }
  const problem = dayProblem(command.statementOn, 'statementOn', context)
  if (problem !== undefined) return problem
  const difference = command.statementMinor - account.balanceMinor
  if (difference > MINOR_MAX || difference < MINOR_MIN) {
    return reject('statementMinor', 'balance-over-limit', 'the difference is beyond 64 bits')
  }
  // Without a difference there is nothing to make up for.
  const adjustmentId = difference === 0n ? null : command.adjustmentId
  if (adjustmentId === null) return { kind: 'accepted', events: [reconciled(account, command)] }
  return (
    idProblem(adjustmentId, context) ??
    amountProblem(difference, command.statementMinor, 'statementMinor') ?? {
      kind: 'accepted',
      events: [
        reconciled(account, command, adjustmentId),
        adjustment(command, adjustmentId, difference, context),
      ],
    }
  )
}

function idProblem(adjustmentId: string, { ledger }: Context): Decision | undefined {
  if (!isId(adjustmentId))
    return reject('adjustmentId', 'id-invalid', 'an id is 1 to 64 letters, digits and . _ : -')
  return ledger.transaction(adjustmentId).status === 'absent'
    ? undefined
    : reject('adjustmentId', 'id-taken', 'the id is taken by another transaction')
}

function reconciled(
  { balanceMinor }: AccountState,
  { accountId, currency, statementOn, statementMinor }: ReconcileAccount,
  adjustmentId: string | null = null,
): EventDraft {
  return {
    body: {
      type: 'AccountReconciled',
      accountId,
      currency,
      statementOn,
      statementMinor,
      balanceMinor,
      differenceMinor: statementMinor - balanceMinor,
      adjustmentId,
    },
    personal: null,
  }
}

function adjustment(
  { accountId, currency, statementOn }: ReconcileAccount,
  transactionId: string,
  amountMinor: bigint,
  context: Context,
): EventDraft {
  return {
    body: {
      type: 'TransactionCreated',
      transactionId,
      accountId,
      amountMinor,
      currency,
      bookedOn: statementOn,
      source: 'manual',
      // Nobody knows what it was spent on, and nobody has to say.
      categoryId: UNCATEGORIZED,
      confidence: 1,
      categorySource: 'user',
      alternatives: [],
      modelVersion: '',
      mcc: null,
      contentHash: context.contentHash,
      kind: 'adjustment',
      linkedTransactionId: null,
    },
    personal: null,
    occurredAt: statementOn * DAY_MS,
  }
}
