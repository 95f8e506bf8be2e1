import type { OpenedEvent } from '../../schemas/opened-event.ts'
import { countedByCategory } from './counted-by-category.ts'
import type { DeltaProcessor } from './processor.ts'

/**
 * What came in, as `daily_aggregates` is what was spent: positive amounts by day, category and currency. Adjustments and
 * transfers are no income, an expense never is, and a split counts in the categories of its parts.
 */
export const dailyIncome: DeltaProcessor<OpenedEvent> = {
  kind: 'deltas',
  name: 'daily-income',
  table: 'daily_income',
  deltas: (event) => countedByCategory(event, (amountMinor) => amountMinor > 0n),
}
