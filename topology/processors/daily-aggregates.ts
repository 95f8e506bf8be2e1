import type { OpenedEvent } from '../../schemas/opened-event.ts'
import { countedByCategory, isSpending } from './counted-by-category.ts'
import type { DeltaProcessor } from './processor.ts'

/** Spending by day, category and currency. */
export const dailyAggregates: DeltaProcessor<OpenedEvent> = {
  kind: 'deltas',
  name: 'daily-aggregates',
  table: 'daily_aggregates',
  deltas: (event) => countedByCategory(event, isSpending),
}
