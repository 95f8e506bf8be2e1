/**
 * Reads records of a partition, and the head that they belong to, in one statement and so of one moment: no record that
 * is seen is at its end or behind.
 */
import type { Pool } from 'pg'
import { SaldoError } from '../../schemas/errors.ts'
import { topics, type TopicName } from '../../schemas/topics.ts'
import { copyOut } from '../../sink/postgres/copy-out.ts'
import { asSaldoError } from '../../sink/postgres/pool.ts'
import {
  recordsRemoved,
  type BatchLimit,
  type Place,
  type Slice,
  type StoredRecord,
} from './log.ts'
import { placeKey } from './postgres-wake-ups.ts'

/**
 * A statement that the server has planned before reads one record in a quarter of the CPU of a COPY, which is planned
 * each time; at some fifty records they are equal, because the former writes bytes as hexadecimal digits.
 */
const FEW: BatchLimit = { records: 32, bytes: 64 * 1024 }

export type Head = { readonly start: bigint; readonly end: bigint }

type Found = { readonly head: Head | undefined; readonly records: readonly StoredRecord[] }

export class SliceReader {
  readonly #pool: Pool
  /** Where more than a few were found at the last time. */
  readonly #many = new Set<string>()

  constructor(pool: Pool) {
    this.#pool = pool
  }

  async read(place: Place, offset: bigint, limit: BatchLimit): Promise<Slice> {
    try {
      const key = placeKey(place)
      const isSmall = limit.records < FEW.records || limit.bytes < FEW.bytes
      if (!isSmall && !this.#many.has(key)) {
        const found = await readFew(this.#pool, place, offset)
        const slice = await this.#sliceOf(place, offset, FEW, found)
        if (slice.next >= slice.end) return slice
      }
      const found = await readMany(this.#pool, place, offset, limit)
      if (found.records.length > FEW.records) this.#many.add(key)
      else this.#many.delete(key)
      return await this.#sliceOf(place, offset, limit, found)
    } catch (error) {
      throw asSaldoError(error)
    }
  }

  async #sliceOf(
    place: Place,
    offset: bigint,
    limit: BatchLimit,
    { head, records }: Found,
  ): Promise<Slice> {
    if (head === undefined) throw noSuchPlace(place)
    const { start, end } = head
    if (offset < start) throw recordsRemoved(place, offset, start)
    // Offsets have no gaps here: a first record that is missing may have been removed since the statement began.
    if (offset < end && limit.records > 0 && records[0]?.offset !== offset) {
      const removedTo = (await readHead(this.#pool, place)).start
      if (offset < removedTo) throw recordsRemoved(place, offset, removedTo)
    }
    const last = records.at(-1)
    if (last !== undefined) return { records, next: last.offset + 1n, end }
    return { records, next: limit.records === 0 || end <= offset ? offset : end, end }
  }
}

type Placed = { readonly [part in 'topic' | 'partition' | 'offset' | keyof BatchLimit]: string }

/** One row without a record, which is the head, and the records as far as they are within the limit, at least one. */
function sliceSql(name: TopicName, { topic, partition, offset, records, bytes }: Placed): string {
  const where = `topic_id = ${topic} AND partition = ${partition}`
  return `SELECT NULL::bigint AS "offset", NULL::bytea AS key, NULL::bytea AS value, NULL::bigint AS appended_at,
            start_offset AS start, next_offset AS end FROM log_heads WHERE ${where}
     UNION ALL
     (SELECT "offset", key, value, appended_at_ms, NULL, NULL FROM (
       SELECT *, sum(octet_length(value)) OVER (ORDER BY "offset" ROWS UNBOUNDED PRECEDING) AS bytes FROM (
         SELECT "offset", key, value, appended_at_ms FROM ${tableOf(name)}
         WHERE ${where} AND "offset" >= ${offset} ORDER BY "offset" LIMIT ${records}) AS page) AS measured
     WHERE bytes <= ${bytes} OR bytes = octet_length(value) ORDER BY "offset")`
}

type FewRow =
  | (StoredRow & { readonly start: null; readonly end: null })
  | ({ readonly offset: null } & Head)
type StoredRow = {
  readonly offset: bigint
  readonly key: Buffer
  readonly value: Buffer
  readonly appended_at: bigint
}

async function readFew(pool: Pool, { topic, partition }: Place, offset: bigint): Promise<Found> {
  const { rows } = await pool.query<FewRow>({
    name: `log-few-${topic}`,
    // Its limits are no parameters: they would make the planner think of a tenth of the table.
    text: sliceSql(topic, {
      topic: String(topics[topic].topicId),
      partition: '$1',
      offset: '$2',
      records: String(FEW.records),
      bytes: String(FEW.bytes),
    }),
    values: [partition, offset],
  })
  const records: StoredRecord[] = []
  let head: Head | undefined
  for (const row of rows) {
    if (row.offset === null) head = { start: row.start, end: row.end }
    else records.push(recordOf(row))
  }
  return { head, records }
}

function recordOf({ offset, key, value, appended_at }: StoredRow): StoredRecord {
  return { offset, key, value, appendedAt: Number(appended_at) }
}

async function readMany(
  pool: Pool,
  { topic, partition }: Place,
  offset: bigint,
  { records, bytes }: BatchLimit,
): Promise<Found> {
  const rows = await copyOut(
    pool,
    sliceSql(topic, {
      topic: String(topics[topic].topicId),
      partition: String(partition),
      offset: String(offset),
      records: String(records),
      bytes: String(bytes),
    }),
  )
  return {
    head: headOf(rows.find(isHead)),
    records: rows.filter((row) => !isHead(row)).map(storedOf),
  }
}

type Fields = readonly (Buffer | null)[]

function isHead([offset]: Fields): boolean {
  return offset === null
}

function headOf([, , , , start, end]: Fields = []): Head | undefined {
  if (!start || !end) return undefined
  return { start: start.readBigInt64BE(0), end: end.readBigInt64BE(0) }
}

function storedOf([offset, key, value, appendedAt]: Fields): StoredRecord {
  if (!offset || !key || !value || !appendedAt) throw new Error('a column without a value')
  return {
    offset: offset.readBigInt64BE(0),
    key,
    value,
    appendedAt: Number(appendedAt.readBigInt64BE(0)),
  }
}

/** The table of a topic, or of its ring of segments. */
function tableOf(topic: TopicName): string {
  return `log_${topic.replaceAll(/[.-]/g, '_')}`
}

export async function readHead(pool: Pool, place: Place): Promise<Head> {
  try {
    const { rows } = await pool.query<Head>({
      name: 'log-head',
      text: 'SELECT start_offset AS start, next_offset AS end FROM log_heads WHERE topic_id = $1 AND partition = $2',
      values: [topics[place.topic].topicId, place.partition],
    })
    const head = rows[0]
    if (head === undefined) throw noSuchPlace(place)
    return head
  } catch (error) {
    throw asSaldoError(error)
  }
}

function noSuchPlace({ topic, partition }: Place): SaldoError {
  return new SaldoError('SALDO_LOG_MISMATCH', `${topic} has no partition ${partition}`)
}
