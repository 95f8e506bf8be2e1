import { describe, expect, test } from 'vitest'
import type { BudgetCommand } from '../../actors/budget/budget.ts'
import type { Budget } from '../../actors/decider.ts'
import type { Rule } from '../../actors/rules.ts'
import { epochMonthOf } from '../../schemas/dates.ts'
import type { LedgerCommandBody, SetBudget } from '../../schemas/types.ts'
import { budgeted, created } from '../support/example-commands.ts'
import { commandIdOf, given, sent } from '../support/specification.ts'

const set = budgeted({})
const removed = { type: 'RemoveBudget', budgetId: 'b-1' } as const
const THIS_MONTH = epochMonthOf('2026-03') ?? -1

type Verdict = 'accepted' | Rule

const histories: { readonly [S in Budget['status']]: readonly LedgerCommandBody[] } = {
  absent: [],
  active: [set],
  removed: [set, removed],
}
const commands: { readonly [C in BudgetCommand['type']]: LedgerCommandBody } = {
  SetBudget: budgeted({ amountMinor: 1n }),
  RemoveBudget: removed,
}
/** What a budget answers in each state: every cell is decided. */
const verdicts: Record<Budget['status'], Record<BudgetCommand['type'], Verdict>> = {
  absent: { SetBudget: 'accepted', RemoveBudget: 'budget-missing' },
  active: { SetBudget: 'accepted', RemoveBudget: 'accepted' },
  removed: { SetBudget: 'accepted', RemoveBudget: 'budget-missing' },
}

describe('a budget', () => {
  test.each(
    Object.entries(verdicts).flatMap(([status, row]) =>
      Object.entries(row).map(([command, verdict]) => ({ status, command, verdict })),
    ),
  )('that is $status answers $command with $verdict', ({ status, command, verdict }) => {
    const { outcome } = given(...histories[status as Budget['status']]).when(
      commands[command as BudgetCommand['type']],
    ).answer
    expect(outcome.code ?? outcome.verdict).toBe(verdict)
  })

  test('warns at 80, 90 and 100 percent unless the user says otherwise', () => {
    given()
      .when(set)
      .expectEvent({ type: 'BudgetSet', before: null }, null)
      .expectState('budget', 'b-1', { status: 'active', plan: planOf(set, [80, 90, 100]) })
    given()
      .when(budgeted({ thresholds: [1, 1_000] }))
      .expectEvent({
        type: 'BudgetSet',
        after: planOf(set, [1, 1_000]),
      })
  })

  test('keeps its name in the sealed part, the old one too', () => {
    given(budgeted({ name: 'Food' }))
      .when(budgeted({ name: 'Less food' }))
      .expectEvent({ type: 'BudgetSet' }, { name: 'Less food', previousName: 'Food' })
    given(budgeted({ name: 'Food' }))
      .when(removed)
      .expectEvent({ type: 'BudgetRemoved' }, { name: null, previousName: 'Food' })
    given()
      .when(budgeted({ name: 'x'.repeat(101) }))
      .expectRejected('text-too-long', 'name')
  })

  test('is set anew with what it allowed before, and not when nothing changes', () => {
    given(set)
      .when(budgeted({ amountMinor: 1n, thresholds: [100] }))
      .expectEvent({
        type: 'BudgetSet',
        before: planOf(set, [80, 90, 100]),
        after: planOf(budgeted({ amountMinor: 1n }), [100]),
      })
    given(set).when(set).expectRejected('nothing-to-change', 'body')
    given(set)
      .when(budgeted({ thresholds: [80, 90, 100] }))
      .expectRejected('nothing-to-change', 'body')
    for (const change of [{ name: 'Food' }, { thresholds: [80, 90] }, { thresholds: [80, 90, 99] }])
      given(set).when(budgeted(change)).expectEvent({ type: 'BudgetSet' })
  })

  test('is the only one of its category, currency and month', () => {
    given(set)
      .when(budgeted({ budgetId: 'b-2', amountMinor: 1n }))
      .expectRejected('budget-taken', 'budgetId')
    for (const other of [{ categoryId: 'health' }, { currency: 'EUR' }, { month: THIS_MONTH }])
      given(set)
        .when(budgeted({ ...other, budgetId: 'b-2' }))
        .expectEvent({ type: 'BudgetSet', before: null })
    given(budgeted({ month: THIS_MONTH }), budgeted({ budgetId: 'b-2', month: THIS_MONTH - 1 }))
      .when(budgeted({ budgetId: 'b-3', month: THIS_MONTH }))
      .expectRejected('budget-taken', 'budgetId')
  })

  test('makes room for another when it is removed, and then is not set again beside it', () => {
    const other = budgeted({ budgetId: 'b-2' })
    given(set, removed).when(other).expectEvent({ type: 'BudgetSet', before: null })
    given(set, removed, other).when(set).expectRejected('budget-taken', 'budgetId')
  })

  test.each([{ categoryId: 'health' }, { currency: 'EUR' }, { month: 0 }])(
    'keeps its place for ever, removed or not: %j is another one',
    (place) => {
      given(set).when(budgeted(place)).expectRejected('id-taken', 'budgetId')
      given(set, removed).when(budgeted(place)).expectRejected('id-taken', 'budgetId')
    },
  )

  test('is zero or more, in a currency of ISO 4217', () => {
    given()
      .when(budgeted({ amountMinor: 0n }))
      .expectEvent({ type: 'BudgetSet' })
    given()
      .when(budgeted({ amountMinor: 10n ** 15n }))
      .expectEvent({ type: 'BudgetSet' })
    given()
      .when(budgeted({ amountMinor: -1n }))
      .expectRejected('amount-negative', 'amountMinor')
    given()
      .when(budgeted({ amountMinor: 10n ** 15n + 1n }))
      .expectRejected('amount-over-limit', 'amountMinor')
    given()
      .when(budgeted({ currency: 'nok' }))
      .expectRejected('currency-unknown', 'currency')
  })

  test('is for months from January 1970 to a year ahead', () => {
    for (const month of [0, THIS_MONTH + 12])
      given().when(budgeted({ month })).expectEvent({ type: 'BudgetSet' })
    for (const month of [-1, THIS_MONTH + 13, -(2 ** 31), 2 ** 31 - 1])
      given().when(budgeted({ month })).expectRejected('date-out-of-range', 'month')
  })

  test.each([
    [[]],
    [[0]],
    [[-80]],
    [[80, 80]],
    [[90, 80]],
    [[1_001]],
    [Array.from({ length: 11 }, (_, n) => n + 1)],
  ])('does not warn at %j', (thresholds) => {
    given().when(budgeted({ thresholds })).expectRejected('thresholds-invalid', 'thresholds')
  })

  test('is for a built-in category or an active one of the user', () => {
    const own = budgeted({ categoryId: 'c-1' })
    const gone = { type: 'DeleteCategory', categoryId: 'c-1' } as const
    given().when(own).expectRejected('category-unknown', 'categoryId')
    given(created('c-1', 'Pets')).when(own).expectEvent({ type: 'BudgetSet' })
    given(created('c-1', 'Pets'), gone).when(own).expectRejected('category-unknown', 'categoryId')
  })

  test('keeps its category from being deleted until it is removed', () => {
    const own = budgeted({ categoryId: 'c-1' })
    const remove = { type: 'DeleteCategory', categoryId: 'c-1' } as const
    given(created('c-1', 'Pets'), own).when(remove).expectRejected('category-in-use', 'categoryId')
    given(created('c-1', 'Pets'), own, removed)
      .when(remove)
      .expectEvent({ type: 'CategoryDeleted' })
  })

  test('that is set or removed twice by the same command is a duplicate', () => {
    const commandId = commandIdOf(900)
    given(sent(set, { commandId })).when(set, { commandId }).expectDuplicate()
    given(set, sent(removed, { commandId })).when(removed, { commandId }).expectDuplicate()
  })
})

function planOf(
  { categoryId, currency, month, amountMinor }: SetBudget,
  thresholds: readonly number[],
) {
  return { categoryId, currency, month, amountMinor, thresholds }
}
