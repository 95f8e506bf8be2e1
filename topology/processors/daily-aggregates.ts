import type { OpenedEvent } from '../../schemas/opened-event.ts'
import { countedByCategory } from './counted-by-category.ts'
import type { DeltaProcessor } from './processor.ts'

/** Spending by day, category and currency. Income does not reduce it: only negative amounts count. */
export const dailyAggregates: DeltaProcessor<OpenedEvent> = {
  kind: 'deltas',
  name: 'daily-aggregates',
  table: 'daily_aggregates',
  deltas: (event) => countedByCategory(event, (amountMinor) => amountMinor < 0n),
}
