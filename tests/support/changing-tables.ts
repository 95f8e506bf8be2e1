import { postgresTableStore } from '../../sink/postgres-table-store.ts'
import type { TableBatch, TableMove, TableStore } from '../../sink/table-store.ts'
import type { Row } from '../../sink/tables.ts'

const LOG = '00000000-0000-4000-8000-000000000001'

/** A table reader of one partition, which changes a category of a user per batch. */
export type ChangingTables = {
  /** The next batch: one row for each of these users. */
  change(...userIds: readonly string[]): Promise<void>
  /** A batch of the outcomes. */
  answer(userId: string): Promise<void>
  close(): Promise<void>
}

export async function changingTables(url: string, partition: number): Promise<ChangingTables> {
  const store: TableStore = postgresTableStore(url, 'tables')
  const taken = await store.takeOver(
    ['tables:categories', 'tables:command-outcomes'],
    partition,
    LOG,
  )
  const places = new Map(
    taken.map(({ consumer, epoch, offset }) => [consumer, { epoch, from: offset }]),
  )
  const move = (consumer: string): TableMove => {
    const place = places.get(consumer)
    if (place === undefined) throw new Error(`${consumer} was not taken over`)
    const to = place.from + 1n
    places.set(consumer, { ...place, from: to })
    return { consumer, ...place, to, lastEventId: undefined }
  }
  const apply = (consumer: string, write: TableBatch['writes'][number]): Promise<void> =>
    store.apply({ partition, moves: [move(consumer)], writes: [write] })
  return {
    change: (...userIds) =>
      apply('tables:categories', {
        table: 'categories',
        mode: 'upsert',
        rows: userIds.map(categoryOf),
      }),
    answer: (userId) =>
      apply('tables:command-outcomes', {
        table: 'command_outcomes',
        mode: 'keep',
        rows: [outcomeOf(userId)],
      }),
    close: () => store.close(),
  }
}

function categoryOf(userId: string): Row {
  return {
    user_id: userId,
    category_id: 'pets',
    name: 'Pets',
    status: 'active',
    created_at: 1000,
    updated_at: 1000,
    version: 1,
  }
}

function outcomeOf(userId: string): Row {
  return {
    user_id: userId,
    command_id: LOG,
    verdict: 'accepted',
    recorded_at: 1000,
    partition: 0,
    command_offset: 7,
    aggregate_type: null,
    aggregate_id: null,
    version: null,
    event_ids: [],
    first_sequence: null,
    path: null,
    code: null,
    sentence: null,
  }
}
