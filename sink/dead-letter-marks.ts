import { asSaldoError, openPool } from './postgres/pool.ts'

/** Where a dead letter is. */
export type LetterPlace = {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export type Mark = { readonly mark: 'replayed' | 'dropped'; readonly markedAt: Date }

/** What an operator has dealt with. A mark is never taken back. */
export type DeadLetterMarks = {
  /** By `partition/offset`. */
  of(topic: string): Promise<ReadonlyMap<string, Mark>>
  /** False where there was a mark before: that one stays. */
  set(place: LetterPlace, mark: Mark['mark']): Promise<boolean>
  close(): Promise<void>
}

type Row = { readonly partition: number; readonly offset: bigint; readonly marked_at: Date } & Pick<
  Mark,
  'mark'
>

export function postgresDeadLetterMarks(url: string, role: string): DeadLetterMarks {
  const pool = openPool(url, { role, max: 1 })
  return {
    async of(topic) {
      const { rows } = await pool
        .query<Row>(
          'SELECT partition, "offset", mark, marked_at FROM dead_letter_marks WHERE topic = $1',
          [topic],
        )
        .catch(rethrow)
      return new Map(
        rows.map((row) => [
          `${row.partition}/${row.offset}`,
          { mark: row.mark, markedAt: row.marked_at },
        ]),
      )
    },
    async set({ topic, partition, offset }, mark) {
      const { rowCount } = await pool
        .query(
          'INSERT INTO dead_letter_marks (topic, partition, "offset", mark) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
          [topic, partition, offset, mark],
        )
        .catch(rethrow)
      return rowCount === 1
    },
    close: () => pool.end(),
  }
}

function rethrow(error: unknown): never {
  throw asSaldoError(error)
}
