import { describe, expect, test } from 'vitest'
import { CommitBudget } from '../../topology/log/kafka-commit-budget.ts'

/** How many of `count` commits, wanted at the same time, are made within a second. */
function madeInASecond(budget: CommitBudget, count: number): number {
  return Array.from({ length: count }, () => budget.spend(0)).filter((ms) => ms < 1_000).length
}

describe('the budget of commits', () => {
  test('lets a process with little to do commit at once', () => {
    const budget = new CommitBudget()
    const waits = Array.from({ length: 1_000 }, (_, n) => budget.spend(n * 5))
    expect(new Set(waits)).toEqual(new Set([0]))
  })

  test('bounds the commits of a second, however many want to', () => {
    const made = madeInASecond(new CommitBudget(), 10_000)
    expect(made).toBeGreaterThan(200)
    expect(made).toBeLessThan(400)
  })

  test('gives turns in order, evenly, and saves up no more than a burst', () => {
    const budget = new CommitBudget()
    const hour = 3_600_000
    const waits = Array.from({ length: 100 }, () => budget.spend(hour))
    const after = waits.filter((ms) => ms > 0)
    expect(after.length).toBeGreaterThan(50)
    expect(after).toEqual(after.toSorted((a, b) => a - b))
    expect(new Set(after).size).toBe(after.length)
  })
})
