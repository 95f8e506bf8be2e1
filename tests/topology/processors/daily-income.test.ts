import { expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import { dailyIncome } from '../../../topology/processors/daily-income.ts'
import {
  amended,
  deleted,
  opened,
  openedIn,
  reconciled,
  recorded,
  spent,
  splitInto,
  transferred,
} from '../../support/example-commands.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'

const earned = recorded({ categoryId: 'income', bookedOn: 20_000, amountMinor: 500n })

/** Rows as `day category currency total count`. */
async function incomeAfter(...bodies: LedgerCommandBody[]): Promise<readonly string[]> {
  const rows = await foldedRows(dailyIncome, eventsOfBodies(opened, ...bodies))
  return rows.map(({ booked_on, category_id, currency, total_minor, transaction_count }) =>
    [booked_on, category_id, currency, total_minor, transaction_count].join(' '),
  )
}

test('income is a total by day, category and currency, and spending takes nothing off it', async () => {
  const more = recorded({ ...earned, transactionId: 't-2', amountMinor: 1n })
  const bought = recorded({ ...earned, transactionId: 't-3', amountMinor: -400n })
  expect(await incomeAfter(earned, more, bought)).toEqual(['20000 income NOK 501 2'])
})

test('income that is amended, put elsewhere, split or deleted moves with it', async () => {
  const override: LedgerCommandBody = {
    type: 'OverrideCategory',
    transactionId: 't-1',
    categoryId: 'other',
  }
  expect(await incomeAfter(earned, override, amended({ bookedOn: 20_009 }))).toEqual([
    '20009 other NOK 500 1',
  ])
  expect(await incomeAfter(earned, amended({ amountMinor: -1n }))).toEqual([])
  expect(await incomeAfter(earned, splitInto(['income', 100n], ['travel', null]))).toEqual([
    '20000 income NOK 100 1',
    '20000 travel NOK 400 1',
  ])
  expect(await incomeAfter(earned, deleted)).toEqual([])
})

test('adjustments, transfers and expenses are no income', async () => {
  const adjusting = reconciled({ statementMinor: 900n, adjustmentId: 'x-1' })
  const others = [openedIn('NOK', 'a-2'), transferred({}), spent({})]
  expect(await incomeAfter(adjusting, ...others)).toEqual([])
})
