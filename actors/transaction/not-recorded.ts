import { reject, type Decision, type Transaction } from '../decider.ts'

/** Why a transaction cannot be changed, where it is not `recorded`. */
export function notRecorded({ status }: Transaction, path = 'transactionId'): Decision {
  return status === 'deleted'
    ? reject(path, 'transaction-deleted', 'the transaction was deleted')
    : reject(path, 'transaction-missing', 'there is no such transaction')
}
