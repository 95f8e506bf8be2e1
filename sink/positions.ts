import { connect } from './postgres/connection.ts'

export type Positions = {
  /** Offset of the group in the commands, by partition. */
  readonly committed: ReadonlyMap<number, bigint>
  /** The least offset in the events that a table has folded, by partition. */
  readonly tables: ReadonlyMap<number, bigint>
  /** The same of the outcomes. */
  readonly outcomes: ReadonlyMap<number, bigint>
}

/** How far actors and tables have come. */
export async function readPositions(url: string, group: string): Promise<Positions> {
  const { client } = await connect(url, 'positions')
  try {
    const committed = await client.query<Row>(
      'SELECT partition, next_offset AS reached FROM log_groups WHERE group_name = $1 AND topic_id = 1 AND next_offset IS NOT NULL',
      [group],
    )
    const readers = await client.query<Row & { outcomes: boolean }>(
      `SELECT partition, consumer = 'tables:command-outcomes' AS outcomes, min(next_offset) AS reached
       FROM progress WHERE consumer LIKE 'tables:%' GROUP BY 1, 2`,
    )
    return {
      committed: byPartition(committed.rows),
      tables: byPartition(readers.rows.filter(({ outcomes }) => !outcomes)),
      outcomes: byPartition(readers.rows.filter(({ outcomes }) => outcomes)),
    }
  } finally {
    await client.end()
  }
}

type Row = { readonly partition: number; readonly reached: bigint }

function byPartition(rows: readonly Row[]): ReadonlyMap<number, bigint> {
  return new Map(rows.map(({ partition, reached }) => [partition, reached]))
}
