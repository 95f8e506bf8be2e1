import { describe, expect, test } from 'vitest'
import { explore, randomTrace } from './explore.ts'
import { rules } from './protocol.ts'
import { firstDifference } from './replay.ts'

const REPLAYED = 100

describe('the protocol', () => {
  test.each([
    { owners: 1, actions: 14 },
    { owners: 2, actions: 9 },
  ])('of $owners owners goes wrong on no way of $actions actions', ({ owners, actions }) => {
    const { found, states } = explore(owners, actions)
    expect(found).toBeUndefined()
    expect(states).toBeGreaterThan(1_000)
  })

  // The shortest way that goes wrong, so that a rule that is never needed would be found out.
  test.each([
    ['events and offset are one commit', 1, 6],
    ['a failed save ends its owner', 1, 13],
    ['the tail is marked changed', 1, 16],
    ['the store checks epoch and offset', 1, 16],
    ['a commit checks the epoch', 2, 10],
    ['a fault is confirmed by the lease', 2, 11],
    ['a cut is confirmed by the lease', 2, 12],
  ] as const)('needs that %s', (rule, owners, actions) => {
    expect(explore(owners, actions, { ...rules, [rule]: false }).found).toBeDefined()
  })
})

describe('the loop goes the way of the model,', () => {
  test.each([1, 2, 3])('by the ways of %i owners', async (owners) => {
    for (let seed = 1; seed <= REPLAYED; seed++) {
      const trace = randomTrace(owners, 40, seed)
      expect(await firstDifference(trace, owners), `seed ${seed}`).toBeUndefined()
    }
  })
})
