import { expect, test } from 'vitest'
import { expenseEventCodec } from '../../../schemas/codec.ts'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import { expenseEvent } from '../../../topology/streams/expense-events.ts'
import {
  amended,
  deleted,
  groceries,
  opened,
  openedIn,
  reconciled,
  respent,
  spent,
  splitInto,
  transferred,
} from '../../support/example-commands.ts'
import { storedEventsOf } from '../../support/sourced-events.ts'

const heardOf = (...bodies: LedgerCommandBody[]) =>
  storedEventsOf(...bodies)
    .map(expenseEvent)
    .filter((event) => event !== undefined)

const expense = {
  categoryId: 'groceries',
  amountMinor: 450_000n,
  currency: 'TZS',
  expenseOn: spent({}).expenseOn,
}

test('an expense is created, updated and deleted in its own words, with a positive amount', () => {
  const history = [
    spent({}),
    respent({ amountMinor: 1n, categoryId: 'dining', description: 'at the inn' }),
    { type: 'DeleteExpense', expenseId: 'e-1' } as const,
  ]
  const updated = { ...expense, amountMinor: 1n, categoryId: 'dining' }
  expect(heardOf(...history).map(({ body }) => body)).toEqual([
    { type: 'ExpenseCreated', expenseId: 'e-1', after: expense },
    {
      type: 'ExpenseUpdated',
      expenseId: 'e-1',
      before: expense,
      after: updated,
      describedAnew: true,
    },
    { type: 'ExpenseDeleted', expenseId: 'e-1', before: updated },
  ])
})

test('it carries the id, the user, the version and the time of the event that it follows from', () => {
  const events = storedEventsOf(spent({}), respent({ amountMinor: 1n }))
  for (const event of events.slice(1)) {
    const { eventId, userId, sequence, version, recordedAt } = event
    const place = { eventId, userId, sequence, version, recordedAt }
    expect(expenseEvent(event)).toMatchObject(place)
  }
})

test('a change of category alone is an update that says nothing of the description', () => {
  const chosen = { type: 'OverrideCategory', transactionId: 'e-1', categoryId: 'health' } as const
  expect(heardOf(spent({}), chosen).at(-1)?.body).toEqual({
    type: 'ExpenseUpdated',
    expenseId: 'e-1',
    before: expense,
    after: { ...expense, categoryId: 'health' },
    describedAnew: false,
  })
  expect(heardOf(spent({}), chosen).at(-1)?.personal).toBeNull()
})

test('what is done to an expense as a transaction is heard of all the same', () => {
  const history = [
    spent({}),
    amended({ transactionId: 'e-1', amountMinor: -5n }),
    { ...splitInto(['health', null], ['travel', null]), transactionId: 'e-1' },
    { type: 'DeleteTransaction', transactionId: 'e-1' } as const,
  ]
  expect(heardOf(...history).map(({ body }) => body.type)).toEqual([
    'ExpenseCreated',
    'ExpenseUpdated',
    'ExpenseDeleted',
  ])
})

test('nothing else is an expense, in the cash account neither', () => {
  const inCash = { ...groceries, accountId: 'cash-TZS', currency: 'TZS' }
  const override = { type: 'OverrideCategory', transactionId: 't-1', categoryId: 'health' } as const
  const cash = openedIn('TZS', 'cash-TZS')
  expect(heardOf(cash, inCash, override, amended({ amountMinor: -1n }), deleted)).toEqual([])
  const adjusting = reconciled({ statementMinor: -5n, adjustmentId: 't-9' })
  expect(heardOf(opened, openedIn('NOK', 'a-2'), adjusting, transferred({}))).toEqual([])
})

test('its descriptions are the sealed bytes of the event, and nothing else says them', () => {
  const described = respent({ description: 'at the inn' })
  const events = storedEventsOf(spent({}), described).slice(1)
  expect(events.map(({ personal }) => expect.objectContaining({ personal }))).toEqual(
    heardOf(spent({}), described),
  )
  for (const heard of heardOf(spent({}), described)) {
    expect(heard.personal?.length).toBeGreaterThan(0)
    expect(expenseEventCodec.encode({ ...heard, personal: null }).includes('at the')).toBe(false)
  }
})
