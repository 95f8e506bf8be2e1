/** What processors tell, as rows of the outbox: with an id, and as the bytes that go to a topic. */
import { budgetExceededCodec } from '../schemas/codec.ts'
import { noticeIdOf } from '../schemas/ids.ts'
import type { Row } from '../sink/tables.ts'
import type { Told } from './fold-related.ts'

export function outboxRow(
  processor: string,
  partition: number,
  { notice: { record }, offset, index }: Told,
): Row {
  const eventId = noticeIdOf(processor, record.causeEventId, index)
  return {
    processor,
    partition,
    source_offset: Number(offset),
    index,
    event_id: eventId,
    topic: 'budgets.exceeded',
    event_type: record.type,
    aggregate_type: 'budget',
    aggregate_id: record.budgetId,
    user_id: record.userId,
    payload: budgetExceededCodec.encode({ ...record, eventId }),
  }
}
