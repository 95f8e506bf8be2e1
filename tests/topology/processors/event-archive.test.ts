import { expect, test } from 'vitest'
import { eventArchive } from '../../../topology/processors/event-archive.ts'
import { groceries, opened } from '../../support/example-commands.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'
import { NOW } from '../../support/specification.ts'

test('an event is kept as the bytes it has in the log, beside what it is found by', () => {
  const [, event] = eventsOfBodies(opened, groceries)
  if (event === undefined) throw new Error('there are two events')
  const value = Buffer.from('as in the log')
  expect(eventArchive.row({ item: event, partition: 3, offset: 41n, value })).toEqual({
    user_id: 'user-1',
    sequence: 2,
    event_id: event.eventId,
    aggregate_type: 'transaction',
    aggregate_id: 't-1',
    version: 1,
    event_type: 'TransactionCreated',
    occurred_at: NOW,
    recorded_at: event.recordedAt,
    command_id: event.commandId,
    partition: 3,
    offset: 41,
    event: value,
  })
})

test('no text of an event is beside its bytes, though the event is open', () => {
  for (const item of eventsOfBodies(opened, groceries)) {
    const row = eventArchive.row({ item, partition: 0, offset: 0n, value: Buffer.alloc(0) })
    for (const text of Object.values(item.personal as object)) {
      if (text !== null) expect(Object.values(row ?? {})).not.toContain(text)
    }
  }
})
