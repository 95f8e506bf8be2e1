/**
 * A transaction that counts for several categories.
 *
 * Invariant: the parts of a split sum to its amount, to the last minor unit, and all have its sign: splitting moves
 * spending between categories and never changes how much there is.
 */
import type {
  Booking,
  BookingPart,
  SplitPart,
  SplitTransaction,
  TransactionState,
} from '../../schemas/types.ts'
import { categoryProblem } from '../category/category-problem.ts'
import { accept, reject, type Context, type Decision } from '../decider.ts'

const PARTS_MIN = 2
const PARTS_MAX = 50

export function split(
  transaction: TransactionState,
  command: SplitTransaction,
  context: Context,
): Decision {
  const { booking } = transaction
  const { parts } = command
  const problem = parts.length === 0 ? undefined : partsProblem(parts, context)
  if (problem !== undefined) return problem
  const allotted = allot(booking.amountMinor, parts)
  if ('kind' in allotted) return allotted
  if (isSame(booking.parts, allotted))
    return reject('parts', 'nothing-to-change', 'the transaction is split like that already')
  return accept({
    type: 'TransactionSplit',
    transactionId: command.transactionId,
    accountId: transaction.accountId,
    currency: transaction.currency,
    before: booking,
    after: { ...booking, parts: allotted },
  })
}

/** Each part of a split has a category of its own, and together they have its amount. */
export function splitProblem(booking: Booking): Decision | undefined {
  return booking.parts.length === 0
    ? undefined
    : reject('transactionId', 'transaction-split', 'the transaction is split: undo the split first')
}

function partsProblem(parts: readonly SplitPart[], context: Context): Decision | undefined {
  if (parts.length < PARTS_MIN || parts.length > PARTS_MAX) {
    return reject(
      'parts',
      'parts-out-of-range',
      `a split has ${PARTS_MIN} to ${PARTS_MAX} parts, or none to undo it`,
    )
  }
  const seen = new Set<string>()
  for (const [index, { categoryId }] of parts.entries()) {
    const path = `parts.${index}.categoryId`
    if (seen.has(categoryId))
      return reject(path, 'category-repeated', 'each part has a category of its own')
    seen.add(categoryId)
    const problem = categoryProblem(categoryId, context, path)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Every part with its amount; those that name none share the rest. */
function allot(
  amountMinor: bigint,
  parts: readonly SplitPart[],
): readonly BookingPart[] | Decision {
  if (parts.length === 0) return []
  const sharing = BigInt(parts.filter((part) => part.amountMinor === null).length)
  const rest = parts.reduce((left, part) => left - (part.amountMinor ?? 0n), amountMinor)
  if (sharing === 0n && rest !== 0n) return sumMismatch()
  const share = sharing === 0n ? 0n : rest / sharing
  let odd = rest - share * sharing
  const allotted: BookingPart[] = []
  for (const [index, { categoryId, amountMinor: given }] of parts.entries()) {
    const unit = given !== null || odd === 0n ? 0n : odd > 0n ? 1n : -1n
    odd -= unit
    const amount = given ?? share + unit
    const path = `parts.${index}.amountMinor`
    if (amount === 0n) return reject(path, 'amount-zero', 'a part is an amount other than zero')
    if (amount > 0n !== amountMinor > 0n)
      return reject(path, 'split-sign-mismatch', 'a part has the sign of the whole')
    allotted.push({ categoryId, amountMinor: amount })
  }
  return allotted
}

function sumMismatch(): Decision {
  return reject('parts', 'split-sum-mismatch', 'the parts do not sum to the amount')
}

function isSame(a: readonly BookingPart[], b: readonly BookingPart[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ categoryId, amountMinor }, index) => {
      const other = b[index]
      return other?.categoryId === categoryId && other.amountMinor === amountMinor
    })
  )
}
