import { expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import type { Row } from '../../../sink/tables.ts'
import { transactions } from '../../../topology/processors/transactions.ts'
import { COMMANDS_AT } from '../../support/arbitrary-commands.ts'
import {
  amended,
  deleted,
  groceries,
  opened,
  openedIn,
  reconciled,
  recorded,
  respent,
  spent,
  splitInto,
  transferred,
} from '../../support/example-commands.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'
import { NOW } from '../../support/specification.ts'

const DAY_MS = 86_400_000
const TODAY = Math.floor(NOW / DAY_MS)
const chosen = recorded({ categoryId: 'health' })

const rowsAfter = (...bodies: LedgerCommandBody[]): Promise<readonly Row[]> =>
  foldedRows(transactions, eventsOfBodies(opened, ...bodies))

test('a recorded transaction has a row with everything that was said of it', async () => {
  expect(await rowsAfter(chosen)).toEqual([
    {
      user_id: 'user-1',
      transaction_id: 't-1',
      account_id: 'a-1',
      amount_minor: -12_550n,
      currency: 'NOK',
      booked_on: TODAY,
      occurred_at: NOW,
      description: 'corner shop 42',
      merchant: expect.anything(),
      counterparty: 'A neighbour',
      note: 'for the party',
      category_id: 'health',
      category_source: 'user',
      confidence: 1,
      needs_review: false,
      source: 'manual',
      kind: 'ordinary',
      linked_transaction_id: null,
      parts: null,
      part_category_ids: null,
      status: 'recorded',
      first_category_id: 'health',
      first_category_source: 'user',
      created_at: COMMANDS_AT + 1,
      updated_at: COMMANDS_AT + 1,
      version: 1,
    },
  ])
})

test('an amendment replaces what it names and keeps the rest', async () => {
  const corrected = amended({ amountMinor: -99n, bookedOn: TODAY - 3, note: 'it was cheaper' })
  expect(await rowsAfter(chosen, corrected)).toMatchObject([
    {
      amount_minor: -99n,
      booked_on: TODAY - 3,
      note: 'it was cheaper',
      description: 'corner shop 42',
      counterparty: 'A neighbour',
      occurred_at: NOW,
      category_id: 'health',
      created_at: COMMANDS_AT + 1,
      updated_at: COMMANDS_AT + 2,
      version: 2,
    },
  ])
  const earlier = NOW - 2 * DAY_MS
  expect(await rowsAfter(chosen, amended({ occurredAt: earlier }))).toMatchObject([
    { occurred_at: earlier },
  ])
})

test('a category that the user chose is certain and needs no review', async () => {
  const override: LedgerCommandBody = {
    type: 'OverrideCategory',
    transactionId: 't-1',
    categoryId: 'health',
  }
  expect(await rowsAfter(groceries, override)).toMatchObject([
    {
      category_id: 'health',
      category_source: 'user',
      confidence: 1,
      needs_review: false,
      amount_minor: -12_550n,
      first_category_id: 'uncategorized',
      first_category_source: 'fallback',
      version: 2,
    },
  ])
})

test('a split keeps the category of the whole beside its parts, and nobody has to look again', async () => {
  const split = splitInto(['health', null], ['travel', -12_000n])
  expect(await rowsAfter(groceries)).toMatchObject([{ needs_review: true }])
  expect(await rowsAfter(groceries, split)).toMatchObject([
    {
      category_id: 'uncategorized',
      needs_review: false,
      amount_minor: -12_550n,
      parts:
        '[{"categoryId":"health","amountMinor":"-550"},{"categoryId":"travel","amountMinor":"-12000"}]',
      part_category_ids: ['health', 'travel'],
      version: 2,
    },
  ])
  expect(await rowsAfter(groceries, split, amended({ note: 'x' }))).toMatchObject([
    { part_category_ids: ['health', 'travel'], version: 3 },
  ])
  expect(await rowsAfter(groceries, split, splitInto())).toMatchObject([
    { parts: null, part_category_ids: null, version: 3 },
  ])
})

test('a deleted transaction stays as it was last, and says that it is deleted', async () => {
  const other = recorded({ transactionId: 't-2' })
  expect(await rowsAfter(groceries, other, deleted)).toMatchObject([
    {
      transaction_id: 't-1',
      status: 'deleted',
      description: 'corner shop 42',
      needs_review: false,
      updated_at: COMMANDS_AT + 3,
      version: 2,
    },
    { transaction_id: 't-2', status: 'recorded', needs_review: true },
  ])
})

test('both sides of a transfer name each other; an adjustment and an expense say what they are', async () => {
  expect(await rowsAfter(openedIn('NOK', 'a-2'), transferred({}))).toMatchObject([
    { transaction_id: 'from', kind: 'transfer', linked_transaction_id: 'to', amount_minor: -700n },
    { transaction_id: 'to', kind: 'transfer', linked_transaction_id: 'from', amount_minor: 700n },
  ])
  const adjusting = reconciled({ statementMinor: -900n, adjustmentId: 'x-1' })
  expect(await rowsAfter(adjusting, spent({}))).toMatchObject([
    { transaction_id: 'e-1', kind: 'expense', linked_transaction_id: null },
    { transaction_id: 'x-1', kind: 'adjustment', linked_transaction_id: null },
  ])
})

test.each([
  [0, true],
  [0.69994, true],
  [0.699_999, true],
  [0.7, false],
  [0.85, false],
  [1, false],
])('a confidence of %s needs a review: %s', async (confidence, needsReview) => {
  const events = eventsOfBodies(opened, groceries).map((event) => {
    const { body } = event
    return body.type === 'TransactionCreated' ? { ...event, body: { ...body, confidence } } : event
  })
  expect(await foldedRows(transactions, events)).toMatchObject([
    { needs_review: needsReview, confidence: Math.round(confidence * 10_000) / 10_000 },
  ])
})

test('accounts, categories and preferences are no transactions', async () => {
  expect(await rowsAfter({ type: 'CreateCategory', categoryId: 'c-1', name: 'Pets' })).toEqual([])
})

test('an expense whose category is updated has the one that the user chose', async () => {
  const history = [spent({}), respent({ categoryId: 'dining' })]
  expect(await rowsAfter(...history)).toMatchObject([
    { category_id: 'dining', category_source: 'user', needs_review: false, version: 2 },
  ])
  const uncertain = [recorded({}), amended({ note: 'x' })]
  expect(await rowsAfter(...uncertain)).toMatchObject([
    { category_id: 'uncategorized', category_source: 'fallback', needs_review: true },
  ])
})
