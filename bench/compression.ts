/** What the columnstore saves on the archives, by the columns that rows are put together by. */
import type { Pool } from 'pg'
import { tables, type Table } from '../sink/tables.ts'
import { timescaleBundle, timescaleSettings } from '../tests/support/timescale-bundle.ts'
import { append, freshDatabase } from './database.ts'
import { runEngine } from './measured-run.ts'
import { quantile, round, type reportOf } from './report.ts'
import { openAccounts, recordTransactions } from './workload.ts'

export type CompressionOptions = { readonly commands: number; readonly users: number }

type Layout = {
  readonly table: Table
  /** The time is part of every unique index. */
  readonly key: string
  readonly segmentBy: string
  readonly orderBy: string
}

const { events, transaction_events: history } = tables
const ofEvents = { table: events, key: 'user_id, sequence, recorded_at' }
const ofHistory = { table: history, key: 'user_id, transaction_id, version, recorded_at' }
const layouts: readonly Layout[] = [
  { ...ofEvents, segmentBy: 'aggregate_type, aggregate_id', orderBy: 'version' },
  { ...ofEvents, segmentBy: 'user_id', orderBy: 'sequence' },
  { ...ofEvents, segmentBy: '', orderBy: 'user_id, sequence' },
  { ...ofHistory, segmentBy: 'transaction_id', orderBy: 'version' },
  { ...ofHistory, segmentBy: 'user_id', orderBy: 'sequence' },
  { ...ofHistory, segmentBy: '', orderBy: 'user_id, sequence' },
]

const READS = 200
const LATE_ROWS = 1_000

/** Returns false where TimescaleDB is not to be had. */
export async function compression(
  { commands, users }: CompressionOptions,
  report: ReturnType<typeof reportOf>,
): Promise<boolean> {
  if (timescaleBundle() === undefined) {
    report.note('this needs TimescaleDB: name its bundle in SALDO_TEST_TIMESCALE_BUNDLE')
    return false
  }
  const database = await freshDatabase(await timescaleSettings())
  try {
    const { pool, log, config } = database
    const { rows } = await pool.query<{ version: string }>(
      `SELECT extversion AS version FROM pg_extension WHERE extname = 'timescaledb'`,
    )
    const timescaledb = rows[0]?.version ?? ''
    report.given(database.version, { commands, users, timescaledb, chunks: 'one, a week' })
    const workload = { commands, users, partitions: config.partitions }
    report.note(`deciding ${commands} commands of ${users} users`)
    await append(log, openAccounts(workload))
    await append(log, recordTransactions(workload))
    await runEngine(database)
    for (const layout of layouts) {
      report.note(`${layout.table.name} by ${layout.segmentBy || 'nothing'}`)
      report.line('compression', await measured(pool, layout))
    }
    return true
  } finally {
    await database.close()
  }
}

async function measured(
  pool: Pool,
  { table, key, segmentBy, orderBy }: Layout,
): Promise<{ readonly [figure: string]: unknown }> {
  await pool.query(
    `CREATE TABLE measured (LIKE ${table.name} INCLUDING STORAGE);
     SELECT create_hypertable('measured', by_range('recorded_at', INTERVAL '7 days'), create_default_indexes => false);
     CREATE UNIQUE INDEX ON measured (${key});
     ALTER TABLE measured SET (timescaledb.enable_columnstore, timescaledb.orderby = '${orderBy}'
       ${segmentBy === '' ? '' : `, timescaledb.segmentby = '${segmentBy}'`})`,
  )
  try {
    // Every hundredth user comes late.
    const late = `abs(hashtext(user_id)) % 100 = 0`
    await pool.query(`INSERT INTO measured SELECT * FROM ${table.name} WHERE NOT ${late}`)
    await pool.query('VACUUM ANALYZE measured')
    const readPlainMs = await readMs(pool)
    const began = performance.now()
    await pool.query(`SELECT compress_chunk(chunk) FROM show_chunks('measured') AS chunk`)
    const compressSeconds = (performance.now() - began) / 1000
    const sizes = await sizesOf(pool, table)
    const readCompressedMs = await readMs(pool)
    return {
      table: table.name,
      segmentBy: segmentBy === '' ? null : segmentBy,
      orderBy,
      ...sizes,
      compressSeconds: round(compressSeconds, 2),
      readPlainMs,
      readCompressedMs,
      ...(await lateRows(pool, table, late)),
    }
  } finally {
    await pool.query('DROP TABLE measured')
  }
}

/** Bytes of rows, indexes and large values together; `sealedShare` is what no method can make smaller. */
async function sizesOf(pool: Pool, table: Table): Promise<{ readonly [figure: string]: unknown }> {
  const sealed = Object.entries(table.columns).find(([, type]) => type === 'bytes')?.[0]
  const { rows } = await pool.query<{
    before: string
    after: string
    rows: string
    sealed: string
  }>(
    `SELECT before_compression_total_bytes::text AS before, after_compression_total_bytes::text AS after,
       (SELECT count(*)::text FROM measured) AS rows,
       (SELECT coalesce(sum(octet_length("${sealed}")), 0)::text FROM measured) AS sealed
     FROM hypertable_columnstore_stats('measured')`,
  )
  const [before, after] = [Number(rows[0]?.before), Number(rows[0]?.after)]
  return {
    rows: Number(rows[0]?.rows),
    bytesBefore: before,
    bytesAfter: after,
    saved: round(1 - after / before, 3),
    sealedShare: round(Number(rows[0]?.sealed) / before, 3),
  }
}

/** All rows of one user, as a route asks for them. */
async function readMs(pool: Pool): Promise<number> {
  const { rows: users } = await pool.query<{ user_id: string }>(
    'SELECT user_id FROM measured GROUP BY 1 ORDER BY hashtext(user_id) LIMIT $1',
    [READS],
  )
  const times: number[] = []
  for (const { user_id } of users) {
    const began = performance.now()
    await pool.query('SELECT * FROM measured WHERE user_id = $1 ORDER BY sequence', [user_id])
    times.push(performance.now() - began)
  }
  return round(
    quantile(
      times.toSorted((a, b) => a - b),
      0.5,
    ),
    2,
  )
}

/** An archive that was behind for a week puts rows into what is compressed already. */
async function lateRows(
  pool: Pool,
  table: Table,
  late: string,
): Promise<{ readonly lateRows: number; readonly lateMicrosPerRow: number }> {
  const began = performance.now()
  const { rowCount } = await pool.query(
    `INSERT INTO measured SELECT * FROM ${table.name} WHERE ${late} LIMIT ${LATE_ROWS}`,
  )
  const micros = (performance.now() - began) * 1000
  return { lateRows: rowCount ?? 0, lateMicrosPerRow: round(micros / (rowCount ?? 1)) }
}
