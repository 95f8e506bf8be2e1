/**
 * Goal: a table does not depend on how the log is cut into batches, and tables agree with each other.
 * Method: random histories, decided by the real rules, folded one by one and in random batches.
 * Caught when tried: a removed row that is not removed, a sum that is only its last delta, income in the spending.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { Row } from '../../sink/tables.ts'
import { foldBatch, tableOf } from '../../topology/fold-batch.ts'
import type { Processor, Sourced } from '../../topology/processors/processor.ts'
import { ledgerTables } from '../../topology/table-reader.ts'
import { arbitraryHistory } from '../support/arbitrary-commands.ts'
import { openedIn, recorded } from '../support/example-commands.ts'
import { countedParts } from '../support/live-bookings.ts'
import { memoryTables, type MemoryTables } from '../support/memory-tables.ts'
import { sourcedEvents } from '../support/sourced-events.ts'
import { commandOf, commandIdOf } from '../support/specification.ts'

/** Accounts to begin with, or most of a random history is refused. */
const begun = ['user-1', 'user-2', 'user-3'].flatMap((userId, n) =>
  ['NOK', 'EUR', 'JPY'].map((currency, m) => {
    const body = openedIn(currency, `a-${m + 1}`)
    return { ...commandOf({ body }, 0), commandId: commandIdOf(900 + n * 3 + m), userId }
  }),
)
const history = arbitraryHistory(120).map((commands) => sourcedEvents([...begun, ...commands]))

async function foldedIn(
  batches: readonly (readonly Sourced<OpenedEvent>[])[],
): Promise<MemoryTables> {
  const memory = memoryTables()
  for (const batch of batches) {
    for (const processor of ledgerTables.processors) {
      memory.apply(await foldBatch(processor, batch, memory.read))
    }
  }
  return memory
}

function cut<T>(items: readonly T[], sizes: readonly number[]): readonly (readonly T[])[] {
  const batches: T[][] = []
  for (let from = 0, n = 0; from < items.length; n++) {
    const size = sizes[n % sizes.length] ?? 1
    batches.push(items.slice(from, from + size))
    from += size
  }
  return batches
}

/** Sums of a column over the rows that are alike in `by`. */
function sums(rows: readonly Row[], by: readonly string[], column: string): Record<string, bigint> {
  const totals: { [key: string]: bigint } = {}
  for (const row of rows) {
    const key = by.map((name) => String(row[name])).join(' ')
    totals[key] = (totals[key] ?? 0n) + BigInt(String(row[column]))
  }
  return totals
}

test('a table is the same in batches of any size as one by one', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 })
  const isSame = fc.asyncProperty(history, sizes, async (events, some) => {
    const oneByOne = await foldedIn(events.map((event) => [event]))
    const batched = await foldedIn(cut(events, some))
    for (const processor of ledgerTables.processors) {
      const table = tableOf(processor)
      expect(batched.rows(table), table).toEqual(oneByOne.rows(table))
    }
  })
  await fc.assert(isSame, { numRuns: 60 })
})

test('balances, spending and income are the sums of the transactions, in every history', async () => {
  const agree = fc.asyncProperty(history, async (events) => {
    const memory = await foldedIn(cut(events, [7]))
    const transactions = memory.rows('transactions').filter(({ status }) => status === 'recorded')
    const byAccount = ['user_id', 'account_id']
    const balances = sums(memory.rows('accounts'), byAccount, 'balance_minor')
    const empty = Object.fromEntries(Object.keys(balances).map((key) => [key, 0n]))
    expect(balances).toEqual({ ...empty, ...sums(transactions, byAccount, 'amount_minor') })
    const counted = transactions.map((row): Row => ({ ...row, one: 1 }))
    expect(sums(memory.rows('accounts'), byAccount, 'transaction_count')).toEqual({
      ...empty,
      ...sums(counted, byAccount, 'one'),
    })
    const byDay = ['user_id', 'booked_on', 'category_id', 'currency']
    const spent = daysOf(events, (amountMinor) => amountMinor < 0n)
    const daily = memory.rows('daily_aggregates')
    expect(sums(daily, byDay, 'total_minor')).toEqual(sums(spent, byDay, 'total'))
    expect(sums(daily, byDay, 'transaction_count')).toEqual(sums(spent, byDay, 'one'))
    const received = daysOf(events, (amountMinor) => amountMinor > 0n)
    const income = memory.rows('daily_income')
    expect(sums(income, byDay, 'total_minor')).toEqual(sums(received, byDay, 'total'))
    expect(sums(income, byDay, 'transaction_count')).toEqual(sums(received, byDay, 'one'))
    const byAccountAndDay = ['user_id', 'account_id', 'booked_on']
    const changes = memory.rows('balance_history')
    expect(sums(changes, byAccountAndDay, 'change_minor')).toEqual(
      sums(transactions, byAccountAndDay, 'amount_minor'),
    )
    expect(sums(changes, byAccountAndDay, 'transaction_count')).toEqual(
      sums(counted, byAccountAndDay, 'one'),
    )
  })
  await fc.assert(agree, { numRuns: 60 })
})

/** The rows of days and categories that are of one sign, as sums of ones. */
function daysOf(
  events: readonly Sourced<OpenedEvent>[],
  counts: (amountMinor: bigint) => boolean,
): readonly Row[] {
  return countedParts(events.map(({ item }) => item))
    .filter(({ amountMinor }) => counts(amountMinor))
    .map(({ userId, bookedOn, categoryId, currency, amountMinor }): Row => {
      const place = { user_id: userId, booked_on: bookedOn, category_id: categoryId, currency }
      return { ...place, total: amountMinor < 0n ? -amountMinor : amountMinor, one: 1 }
    })
}

test('the histories reach every event that a table folds', () => {
  const types = new Set<string>()
  for (const events of fc.sample(history, { numRuns: 60, seed: 1 })) {
    for (const { item } of events) types.add(item.body.type)
  }
  expect([...types].toSorted()).toEqual([
    'AccountClosed',
    'AccountOpened',
    'AccountReconciled',
    'AccountRenamed',
    'BudgetRemoved',
    'BudgetSet',
    'CategoryCreated',
    'CategoryDeleted',
    'CategoryRenamed',
    'PreferencesChanged',
    'TransactionCategoryOverridden',
    'TransactionCreated',
    'TransactionDeleted',
    'TransactionSplit',
    'TransactionUpdated',
  ])
})

test('rows that begin in the batch are not read, the others are read once', async () => {
  const spent = recorded({ categoryId: 'groceries' })
  const events = sourcedEvents([
    ...begun.slice(0, 1),
    commandOf({ body: spent }, 1),
    commandOf({ body: recorded({ ...spent, transactionId: 't-2' }) }, 2),
  ])
  const reads = async (name: string, batch: typeof events): Promise<readonly Row[]> => {
    const processor = ledgerTables.processors.find((one) => one.name === name)
    const account = { user_id: 'user-1', account_id: 'a-1', balance_minor: 0n }
    let read: readonly Row[] = []
    await foldBatch(processor as Processor<OpenedEvent>, batch, async (_, keys) => {
      read = keys
      return name === 'accounts' && keys.length > 0 ? [account] : []
    })
    return read
  }
  expect(await reads('accounts', events)).toEqual([])
  expect(await reads('transactions', events)).toEqual([])
  expect(await reads('accounts', events.slice(1))).toEqual([
    { user_id: 'user-1', account_id: 'a-1' },
  ])
})

test('a processor whose table nobody knows is a fault', () => {
  expect(() => tableOf({ table: 'nowhere' })).toThrow('no table nowhere')
})
