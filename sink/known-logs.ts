import type pg from 'pg'
import { asSaldoError } from './postgres/pool.ts'
import { CHECKPOINT_CONSUMER } from './postgres-checkpoint-store.ts'

/** Which logs a database knows of. */
export type KnownLogs = {
  /** Whether records are in the log that the database holds itself. */
  readonly holdsRecords: boolean
  /** Of the logs that its checkpoints were made from. */
  readonly identities: readonly string[]
}

export async function knownLogs(pool: pg.Pool): Promise<KnownLogs> {
  try {
    const { rows } = await pool.query<{ holds_records: boolean; identities: readonly string[] }>(
      `SELECT EXISTS (SELECT FROM log_heads WHERE next_offset > 0) AS holds_records,
              ARRAY(SELECT DISTINCT log_identity::text FROM progress WHERE consumer = $1) AS identities`,
      [CHECKPOINT_CONSUMER],
    )
    const [row] = rows
    return { holdsRecords: row?.holds_records === true, identities: row?.identities ?? [] }
  } catch (error) {
    throw asSaldoError(error)
  }
}
