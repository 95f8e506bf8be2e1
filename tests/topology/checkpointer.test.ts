import { expect, test } from 'vitest'
import { Checkpointer } from '../../topology/checkpointer.ts'

test('an owner that has nothing to store looks less often, until something is handed over', () => {
  let time = 0
  const never = (): never => {
    throw new Error('nothing is stored here')
  }
  const checkpointer = new Checkpointer({
    partition: 0,
    progress: {
      epoch: 1n,
      eventsOffset: 5n,
      commandsOffset: 3n,
      lastEventId: undefined,
      logIdentity: 'log',
    },
    store: { takeOver: never, save: never, load: never, close: never },
    keys: { cached: never, keysOf: never },
    pace: { everyMs: 100, changedStates: 10, changedStatesMax: 100 },
    now: () => time,
  })
  time = 100
  expect(checkpointer.isDue).toBe(true)
  checkpointer.cut(5n, 3n, undefined)
  time = 300
  expect(checkpointer.isDue).toBe(false)
  checkpointer.add([], 0)
  expect(checkpointer.isDue).toBe(true)
  checkpointer.cut(5n, 3n, undefined)
  time = 800
  expect(checkpointer.isDue).toBe(true)
})
