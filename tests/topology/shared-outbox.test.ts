import { expect, test } from 'vitest'
import { sharedOutbox } from '../../topology/shared-outbox.ts'
import { memoryOutbox } from '../support/memory-outbox.ts'
import { outboxRow } from '../support/outbox-rows.ts'

test('relays of many partitions share one look, and ask only for what is there', async () => {
  const outbox = memoryOutbox()
  const asked: (number | 'look')[] = []
  let now = 0
  const shared = sharedOutbox(
    {
      ...outbox,
      partitions: () => {
        asked.push('look')
        return outbox.partitions()
      },
      unprocessed: (partition, wanted) => {
        asked.push(partition)
        return outbox.unprocessed(partition, wanted)
      },
    },
    () => now,
  )
  const wanted = { exceptUsers: [], limit: 10 }
  const rowsOfAll = (): Promise<readonly number[]> =>
    Promise.all([0, 1, 2].map(async (p) => (await shared.unprocessed(p, wanted)).length))

  expect(await rowsOfAll()).toEqual([0, 0, 0])
  expect(await shared.waiting(1)).toEqual({ rows: 0, oldestMs: 0 })
  expect(asked).toEqual(['look'])

  const row = outboxRow(1, 'u-1')
  outbox.rows.push({ ...row, partition: 1, processed: false, lastError: null })
  now = 400
  expect(await rowsOfAll()).toEqual([0, 1, 0])
  expect(asked).toEqual(['look', 'look', 1])
  expect(await shared.waiting(1)).toMatchObject({ rows: 1 })
})
