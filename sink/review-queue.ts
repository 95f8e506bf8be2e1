import type pg from 'pg'

/** Transactions of all users that wait for a review; counted in an index that holds nothing else. */
export async function countReviewQueue(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: bigint }>(
    "SELECT count(*) AS count FROM transactions WHERE status = 'recorded' AND needs_review",
  )
  return Number(rows[0]?.count ?? 0)
}
