import { createdTransactionCodec } from '../../schemas/codec.ts'
import type { CreatedTransaction, LedgerEvent } from '../../schemas/types.ts'
import { stream } from './stream.ts'

/** One record for each transaction that comes into a ledger, whatever brought it. */
export const transactionsCreated = stream({
  name: 'transactions-created',
  topic: 'transactions.created',
  codec: createdTransactionCodec,
  step: createdTransaction,
})

export function createdTransaction(event: LedgerEvent): CreatedTransaction | undefined {
  const { body } = event
  if (body.type !== 'TransactionCreated') return undefined
  return {
    eventId: event.eventId,
    userId: event.userId,
    sequence: event.sequence,
    version: event.version,
    recordedAt: event.recordedAt,
    occurredAt: event.occurredAt,
    transactionId: body.transactionId,
    accountId: body.accountId,
    kind: body.kind,
    amountMinor: body.amountMinor,
    currency: body.currency,
    bookedOn: body.bookedOn,
    source: body.source,
    categoryId: body.categoryId,
    mcc: body.mcc,
    linkedTransactionId: body.linkedTransactionId,
    personal: event.personal,
  }
}
