import { connect } from './postgres/connection.ts'

export type Positions = {
  /** The least offset in the events that a table has folded, by partition. */
  readonly tables: ReadonlyMap<number, bigint>
  /** The same of the outcomes. */
  readonly outcomes: ReadonlyMap<number, bigint>
}

/** How far tables have come. */
export async function readPositions(url: string): Promise<Positions> {
  const { client } = await connect(url, 'positions')
  try {
    const readers = await client.query<Row & { outcomes: boolean }>(
      `SELECT partition, consumer = 'tables:command-outcomes' AS outcomes, min(next_offset) AS reached
       FROM progress WHERE consumer LIKE 'tables:%' GROUP BY 1, 2`,
    )
    return {
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
