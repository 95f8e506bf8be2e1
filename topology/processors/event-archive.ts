import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { ArchiveProcessor } from './processor.ts'

/** Every event as it is in the log, its texts sealed, with what it can be found by. */
export const eventArchive: ArchiveProcessor<OpenedEvent> = {
  kind: 'archive',
  name: 'event-archive',
  table: 'events',
  row: ({ item, partition, offset, value }) => ({
    user_id: item.userId,
    sequence: item.sequence,
    event_id: item.eventId,
    aggregate_type: item.aggregateType,
    aggregate_id: item.aggregateId,
    version: item.version,
    event_type: item.body.type,
    occurred_at: item.occurredAt,
    recorded_at: item.recordedAt,
    command_id: item.commandId,
    partition,
    offset: Number(offset),
    event: value,
  }),
}
