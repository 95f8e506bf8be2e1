import { formatMinor } from '../../schemas/money.ts'
import type { Account } from '../../sink/queries-accounts.ts'
import { isoTime } from './schemas.ts'

/** An account as both account routes show it. */
export function accountAnswer(account: Account) {
  const { balanceMinor, openedAt, updatedAt, ...rest } = account
  return {
    ...rest,
    balance: formatMinor(balanceMinor, account.currency),
    openedAt: isoTime(openedAt),
    updatedAt: isoTime(updatedAt),
  }
}
