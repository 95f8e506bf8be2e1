import { describe, expect, test } from 'vitest'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import { partitionOf } from '../../schemas/partition.ts'
import { eventsOf, stateAt } from '../../topology/time-travel.ts'
import { historyOf } from '../support/history.ts'

const users = ['user-1', 'user-2', 'user-3']
const open = {
  type: 'OpenAccount',
  accountId: 'a',
  kind: 'cash',
  currency: 'NOK',
  bankName: null,
} as const
const rename = { type: 'RenameAccount', accountId: 'a' } as const
const create = { type: 'CreateCategory', categoryId: 'c' } as const

/** Each user opens an account, renames it and creates a category, one after the other and all mixed. */
const written = historyOf(
  2,
  users.flatMap((userId) => [{ userId, body: { ...open, name: `of ${userId}` } }]),
  users.flatMap((userId) => [{ userId, body: { ...rename, name: 'Second' } }]),
  users.flatMap((userId) => [{ userId, body: { ...create, name: 'Boats' } }]),
)

async function all(events: AsyncIterable<OpenedEvent>): Promise<readonly OpenedEvent[]> {
  return Array.fromAsync(events)
}

describe('events of a user', () => {
  test('are all of them, in order, open, and nobody else’s', async () => {
    const { log, keys } = await written
    for (const userId of users) {
      const events = await all(eventsOf({ log, keys, partitions: 2, userId }))
      expect(events.map((event) => [event.userId, event.sequence, event.body.type])).toEqual([
        [userId, 1, 'AccountOpened'],
        [userId, 2, 'AccountRenamed'],
        [userId, 3, 'CategoryCreated'],
      ])
      expect(events[0]?.personal).toMatchObject({ name: `of ${userId}` })
    }
    // Some share a partition, or the filter was not asked.
    expect(new Set(users.map((userId) => partitionOf(Buffer.from(userId), 2))).size).toBeLessThan(3)
  })

  test('that are of others are not decoded', async () => {
    const { log, keys } = await written
    const place = {
      topic: 'ledger.events',
      partition: partitionOf(Buffer.from('user-1'), 2),
    } as const
    await log.producer().append([{ ...place, key: Buffer.from('user-9'), value: Buffer.from('?') }])
    expect(await all(eventsOf({ log, keys, partitions: 2, userId: 'user-1' }))).toHaveLength(3)
  })

  test('of an erased one are there without their texts', async () => {
    const { log, keys } = await historyOf(1, [
      { userId: 'user-1', body: { ...open, name: 'Mine' } },
    ])
    keys.shred('user-1')
    const [event] = await all(eventsOf({ log, keys, partitions: 1, userId: 'user-1' }))
    expect(event).toMatchObject({ sequence: 1, personal: 'not-readable' })
  })
})

describe('the state of a ledger', () => {
  test('is that after its last event', async () => {
    const { log, keys } = await written
    const states = await stateAt({ log, keys, partitions: 2, userId: 'user-2' })
    expect(states?.root.held.sequence).toBe(3)
    expect(states?.account('a')).toMatchObject({ status: 'open', name: 'Second' })
    expect(states?.activeCategories()).toEqual([{ categoryId: 'c', name: 'Boats' }])
  })

  test('is that after the event it is asked for', async () => {
    const { log, keys } = await written
    const states = await stateAt({ log, keys, partitions: 2, userId: 'user-2', sequence: 1 })
    expect(states?.root.held.sequence).toBe(1)
    expect(states?.account('a')).toMatchObject({ name: 'of user-2' })
    expect(states?.activeCategories()).toEqual([])
  })

  test('does not exist where there are no events', async () => {
    const { log, keys } = await written
    expect(await stateAt({ log, keys, partitions: 2, userId: 'nobody' })).toBeUndefined()
  })
})
