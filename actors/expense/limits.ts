import { exponentOf, isCurrency } from '../../schemas/money.ts'
import { reject, type Decision } from '../decider.ts'

/** The largest expense, in units of its currency; the smallest is one minor unit. */
const EXPENSE_UNITS_MAX = 1_000_000n

export function expenseProblem(amountMinor: bigint, currency: string): Decision | undefined {
  if (!isCurrency(currency))
    return reject('currency', 'currency-unknown', 'the currency is not an ISO 4217 code')
  if (amountMinor <= 0n)
    return reject('amountMinor', 'amount-not-positive', 'an expense is more than zero')
  return amountMinor > EXPENSE_UNITS_MAX * 10n ** BigInt(exponentOf(currency))
    ? reject('amountMinor', 'amount-over-limit', `an expense is at most 1,000,000 ${currency}`)
    : undefined
}
