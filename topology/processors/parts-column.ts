import type { BookingPart } from '../../schemas/types.ts'

/** The parts of a split as JSON, amounts as texts; null where it is not split. */
export function partsColumn(parts: readonly BookingPart[]): string | null {
  if (parts.length === 0) return null
  return JSON.stringify(
    parts.map(({ categoryId, amountMinor }) => {
      return { categoryId, amountMinor: amountMinor.toString() }
    }),
  )
}
