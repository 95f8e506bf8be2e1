/**
 * Rows of a query by COPY in its binary format: bytes as they are. pg reads every value as text, so that a `bytea` of a
 * query crosses as hexadecimal digits, becomes a string, and only then bytes again.
 */
import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'

/** Signature, flags and the length of an extension that PostgreSQL does not use. */
const HEADER_BYTES = 19
const END = -1

/** Fields of each row, which are views of one piece of memory; null where a value is. `sql` has no values of users in it. */
export async function copyOut(
  pool: pg.Pool,
  sql: string,
): Promise<readonly (readonly (Buffer | null)[])[]> {
  const client = await pool.connect()
  try {
    const chunks: Buffer[] = []
    const stream = client.query(copyTo(`COPY (${sql}) TO STDOUT (FORMAT binary)`))
    // The last row is read before the query is over, and nobody listens to what fails in between.
    stream.on('error', () => {})
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    client.release()
    return rowsOf(Buffer.concat(chunks))
  } catch (error) {
    client.release(true)
    throw error
  }
}

function rowsOf(bytes: Buffer): readonly (readonly (Buffer | null)[])[] {
  const rows: (Buffer | null)[][] = []
  let position = HEADER_BYTES
  for (;;) {
    const count = bytes.readInt16BE(position)
    position += 2
    if (count === END) return rows
    const fields: (Buffer | null)[] = []
    for (let field = 0; field < count; field++) {
      const length = bytes.readInt32BE(position)
      position += 4
      fields.push(length < 0 ? null : bytes.subarray(position, position + length))
      position += Math.max(0, length)
    }
    rows.push(fields)
  }
}
