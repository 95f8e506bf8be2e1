import { expect, test } from 'vitest'
import { logReadiness } from '../../cli/log-readiness.ts'
import { memoryLog, type LogStep } from '../../topology/log/memory-log.ts'

test('a log that fails or hangs for one partition is not ready, and is asked once at a time', async () => {
  let asked = 0
  let fails = true
  const hanging = Promise.withResolvers<'none'>()
  const log = memoryLog({
    partitions: 3,
    seed: 1,
    now: () => 0,
    fault: (_: LogStep, { partition }) => {
      asked++
      if (partition !== 2) return 'none'
      return fails ? 'fail' : hanging.promise
    },
  })
  const readiness = logReadiness(log, { answerMsMax: 1 })
  const notReady = { name: 'log', ready: false, reason: 'the log does not answer' }
  expect(await readiness()).toEqual(notReady)
  expect(asked).toBe(3)
  fails = false
  expect(await readiness()).toEqual(notReady)
  expect(await readiness()).toEqual(notReady)
  expect(asked).toBe(6)
  hanging.resolve('none')
  expect(await logReadiness(log)()).toEqual({ name: 'log', ready: true })
})
