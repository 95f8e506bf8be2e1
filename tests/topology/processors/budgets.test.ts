import { expect, test } from 'vitest'
import { accounts } from '../../../topology/processors/accounts.ts'
import { categories } from '../../../topology/processors/categories.ts'
import { dailyAggregates } from '../../../topology/processors/daily-aggregates.ts'
import { transactions } from '../../../topology/processors/transactions.ts'
import { budgeted } from '../../support/example-commands.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'

test.each([accounts, categories, dailyAggregates, transactions])(
  'a budget changes nothing in $table',
  async (processor) => {
    const events = eventsOfBodies(budgeted({}), budgeted({ amountMinor: 1n }), {
      type: 'RemoveBudget',
      budgetId: 'b-1',
    })
    expect(events).toHaveLength(3)
    expect(await foldedRows(processor, events)).toEqual([])
  },
)
