/** Rows → a table, by COPY. */
import type { Writable } from 'node:stream'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { ColumnType, ColumnValue } from './binary-fields.ts'
import { BinaryRows } from './binary-rows.ts'

const CHUNK_BYTES = 256 * 1024

/** Copies rows into a table; `target` is the table and its columns, of these types, written by us, never by a user. */
export async function copyInto(
  client: pg.ClientBase,
  target: string,
  types: readonly ColumnType[],
  rows: Iterable<readonly ColumnValue[]>,
): Promise<void> {
  const stream = client.query(copyFrom(`COPY ${target} FROM STDIN (FORMAT binary)`))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  stream.on('finish', resolve)
  let refused = false
  stream.on('error', (error) => {
    refused = true
    reject(error)
  })
  try {
    await writeRows(stream, new BinaryRows(types), rows, promise)
  } catch (error) {
    if (refused) throw error
    // The rows themselves failed: the server would wait for more, and the next query with it.
    stream.destroy(new Error('the rows could not be made'))
    await promise.catch(() => undefined)
    throw error
  }
  await promise
}

async function writeRows(
  stream: Writable,
  binary: BinaryRows,
  rows: Iterable<readonly ColumnValue[]>,
  ended: Promise<void>,
): Promise<void> {
  for (const row of rows) {
    binary.add(row)
    if (binary.size < CHUNK_BYTES) continue
    if (!stream.write(binary.take())) await Promise.race([drained(stream), ended])
  }
  stream.end(binary.finish())
}

function drained(stream: NodeJS.EventEmitter): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('drain', resolve)
  return promise
}
