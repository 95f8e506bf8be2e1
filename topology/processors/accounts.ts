import { textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import { existing, type RowProcessor } from './processor.ts'

type AccountRow = {
  readonly user_id: string
  readonly account_id: string
  readonly kind: string
  readonly name: string | null
  readonly bank_name: string | null
  readonly currency: string
  readonly balance_minor: bigint
  readonly transaction_count: number
  readonly status: string
  readonly opened_at: number
  readonly updated_at: number
  readonly last_sequence: number
}

/** Accounts with their balance: the sum of their transactions, to the last minor unit. */
export const accounts: RowProcessor<OpenedEvent, AccountRow> = {
  kind: 'rows',
  name: 'accounts',
  table: 'accounts',
  keyOf({ userId, body }) {
    switch (body.type) {
      case 'AccountOpened':
      case 'AccountRenamed':
      case 'AccountClosed':
      case 'AccountReconciled':
      case 'TransactionCreated':
      case 'TransactionUpdated':
      case 'TransactionDeleted':
        return { user_id: userId, account_id: body.accountId }
      default:
        return undefined
    }
  },
  begins: ({ body }) => body.type === 'AccountOpened',
  step(row, event) {
    const { body, personal } = event
    if (body.type === 'AccountOpened') {
      return {
        user_id: event.userId,
        account_id: body.accountId,
        kind: body.kind,
        name: textOf(personal, 'name'),
        bank_name: textOf(personal, 'bankName'),
        currency: body.currency,
        balance_minor: 0n,
        transaction_count: 0,
        status: 'open',
        opened_at: event.recordedAt,
        updated_at: event.recordedAt,
        last_sequence: event.sequence,
      }
    }
    const account = {
      ...existing(row, event),
      updated_at: event.recordedAt,
      last_sequence: event.sequence,
    }
    const { balance_minor, transaction_count } = account
    switch (body.type) {
      case 'AccountRenamed':
        return { ...account, name: textOf(personal, 'name') }
      case 'AccountClosed':
        return { ...account, status: 'closed' }
      case 'TransactionCreated':
        return {
          ...account,
          balance_minor: balance_minor + body.amountMinor,
          transaction_count: transaction_count + 1,
        }
      case 'TransactionUpdated':
        return {
          ...account,
          balance_minor: balance_minor - body.before.amountMinor + body.after.amountMinor,
        }
      case 'TransactionDeleted':
        return {
          ...account,
          balance_minor: balance_minor - body.before.amountMinor,
          transaction_count: transaction_count - 1,
        }
      default:
        return account
    }
  },
}
