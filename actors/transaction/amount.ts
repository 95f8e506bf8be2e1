import { MINOR_MAX, MINOR_MIN } from '../../schemas/money.ts'
import { reject, type Decision } from '../decider.ts'

/** The largest amount of one transaction, in minor units. */
export const AMOUNT_MINOR_MAX = 10n ** 15n

/** Rules of an amount, and of the balance that it leads to. */
export function amountProblem(
  amountMinor: bigint,
  balanceMinor: bigint,
  path = 'amountMinor',
): Decision | undefined {
  if (amountMinor === 0n)
    return reject(path, 'amount-zero', 'a transaction moves an amount other than zero')
  if (amountMinor > AMOUNT_MINOR_MAX || amountMinor < -AMOUNT_MINOR_MAX) {
    return reject(path, 'amount-over-limit', 'an amount is at most 10^15 minor units')
  }
  return balanceProblem(balanceMinor, path)
}

export function balanceProblem(balanceMinor: bigint, path = 'amountMinor'): Decision | undefined {
  return balanceMinor > MINOR_MAX || balanceMinor < MINOR_MIN
    ? reject(path, 'balance-over-limit', 'the balance would leave the range of 64 bits')
    : undefined
}
