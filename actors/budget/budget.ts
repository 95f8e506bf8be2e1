import { epochMonthOf, isoDateOf } from '../../schemas/dates.ts'
import { isCurrency } from '../../schemas/money.ts'
import { personalOf, textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import type { BudgetPlan, BudgetState, RemoveBudget, SetBudget } from '../../schemas/types.ts'
import { categoryProblem } from '../category/category-problem.ts'
import {
  accept,
  reject,
  unreachable,
  type Budget,
  type Context,
  type Decider,
  type Decision,
} from '../decider.ts'
import { textProblem } from '../texts.ts'
import { AMOUNT_MINOR_MAX } from '../transaction/amount.ts'

export type BudgetCommand = SetBudget | RemoveBudget

/** Warnings at these percentages where the user names none. */
export const DEFAULT_THRESHOLDS: readonly number[] = [80, 90, 100]
/** Budgets that hold; they are loaded with their ledger. */
export const BUDGETS_MAX = 1_000
const THRESHOLDS_MAX = 10
const THRESHOLD_PERCENT_MAX = 1_000
const MONTHS_AHEAD_MAX = 12
const DAY_MS = 86_400_000

function decide(budget: Budget, command: BudgetCommand, context: Context): Decision {
  switch (command.type) {
    case 'SetBudget':
      return set(budget, command, context)
    case 'RemoveBudget':
      if (budget.status !== 'active')
        return reject('budgetId', 'budget-missing', 'there is no such budget')
      return accept(
        { type: 'BudgetRemoved', budgetId: command.budgetId, before: budget.plan },
        personalOf({ previousName: budget.name }),
      )
    default:
      return unreachable(command)
  }
}

function set(budget: Budget, command: SetBudget, context: Context): Decision {
  const { budgetId, categoryId, currency, month, amountMinor, name } = command
  const after: BudgetPlan = {
    categoryId,
    currency,
    month,
    amountMinor,
    thresholds: command.thresholds ?? DEFAULT_THRESHOLDS,
  }
  const problem = planProblem(after, context) ?? textProblem({ name })
  if (problem !== undefined) return problem
  if (budget.status !== 'absent' && !isSamePlace(budget.plan, after)) {
    return reject(
      'budgetId',
      'id-taken',
      'the id is taken by a budget of another category, currency or month',
    )
  }
  if (budget.status === 'active') {
    return isSame(budget, after, name)
      ? reject('body', 'nothing-to-change', 'the budget is like that already')
      : accept(
          { type: 'BudgetSet', budgetId, before: budget.plan, after },
          personalOf({ name, previousName: budget.name }),
        )
  }
  const active = context.ledger.activeBudgets()
  if (active.some(({ plan }) => isSamePlace(plan, after))) {
    return reject(
      'budgetId',
      'budget-taken',
      'another budget is set for this category, currency and month',
    )
  }
  if (active.length >= BUDGETS_MAX) {
    return reject('budgetId', 'budgets-over-limit', `a user has at most ${BUDGETS_MAX} budgets`)
  }
  return accept({ type: 'BudgetSet', budgetId, before: null, after }, personalOf({ name }))
}

function planProblem(plan: BudgetPlan, context: Context): Decision | undefined {
  if (!isCurrency(plan.currency))
    return reject('currency', 'currency-unknown', 'the currency is not an ISO 4217 code')
  if (plan.amountMinor < 0n)
    return reject('amountMinor', 'amount-negative', 'a budget is zero or more')
  if (plan.amountMinor > AMOUNT_MINOR_MAX)
    return reject('amountMinor', 'amount-over-limit', 'an amount is at most 10^15 minor units')
  if (plan.month !== null && (plan.month < 0 || plan.month > lastMonth(context.recordedAt))) {
    return reject(
      'month',
      'date-out-of-range',
      'months reach from January 1970 to one year from now',
    )
  }
  if (!areThresholds(plan.thresholds)) {
    return reject(
      'thresholds',
      'thresholds-invalid',
      `thresholds are 1 to ${THRESHOLDS_MAX} ascending percentages between 1 and ${THRESHOLD_PERCENT_MAX}`,
    )
  }
  return categoryProblem(plan.categoryId, context)
}

/** The month of the log time, and a year more. */
function lastMonth(recordedAt: number): number {
  const today = isoDateOf(Math.floor(recordedAt / DAY_MS))
  return (epochMonthOf(today.slice(0, 7)) ?? 0) + MONTHS_AHEAD_MAX
}

function areThresholds(thresholds: readonly number[]): boolean {
  return (
    thresholds.length > 0 &&
    thresholds.length <= THRESHOLDS_MAX &&
    thresholds.every((percent, index) => percent > (thresholds[index - 1] ?? 0)) &&
    (thresholds.at(-1) ?? 0) <= THRESHOLD_PERCENT_MAX
  )
}

/** A budget for one month and one for every month stand beside each other: the one for the month counts there. */
function isSamePlace(a: BudgetPlan, b: BudgetPlan): boolean {
  return a.categoryId === b.categoryId && a.currency === b.currency && a.month === b.month
}

function isSame(budget: BudgetState, after: BudgetPlan, name: string | null): boolean {
  const { amountMinor, thresholds } = budget.plan
  return (
    budget.name === name &&
    amountMinor === after.amountMinor &&
    thresholds.length === after.thresholds.length &&
    thresholds.every((percent, index) => percent === after.thresholds[index])
  )
}

function evolve(budget: Budget, event: OpenedEvent): Budget {
  const { body, personal } = event
  switch (body.type) {
    case 'BudgetSet':
      if ((budget.status === 'active') !== (body.before !== null))
        throw new Error(`BudgetSet on a budget that is ${budget.status}`)
      return { status: 'active', plan: body.after, name: textOf(personal, 'name') }
    case 'BudgetRemoved':
      if (budget.status !== 'active')
        throw new Error(`BudgetRemoved on a budget that is ${budget.status}`)
      return { ...budget, status: 'removed' }
    default:
      throw new Error(`a budget does not fold ${body.type}`)
  }
}

export const budget: Decider<Budget, BudgetCommand> = {
  initial: { status: 'absent' },
  decide,
  evolve,
}
