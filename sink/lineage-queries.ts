/** What the database knows of where its tables come from: views over them, and the last rebuild of each processor. */
import { asSaldoError, openPool } from './postgres/pool.ts'

export type LastRun = {
  readonly startedAt: string
  readonly result: string
  readonly events: number
  readonly rows: number | undefined
}

export type StoredLineage = {
  /** By table: views that read it, directly or through another view. */
  readonly views: ReadonlyMap<string, readonly string[]>
  /** By processor. */
  readonly lastRuns: ReadonlyMap<string, LastRun>
}

const VIEWS = `
  WITH RECURSIVE reads (relation, view) AS (
    SELECT DISTINCT d.refobjid, r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
  ), lineage (relation, view) AS (
    SELECT relation, view FROM reads
    UNION
    SELECT l.relation, r.view FROM lineage l JOIN reads r ON r.relation = l.view
  )
  SELECT t.relname AS table, array_agg(v.relname::text ORDER BY v.relname) AS views
  FROM lineage l
  JOIN pg_class t ON t.oid = l.relation AND t.relkind IN ('r', 'p') AND t.relnamespace = 'public'::regnamespace
  JOIN pg_class v ON v.oid = l.view AND v.relkind IN ('v', 'm') AND v.relnamespace = 'public'::regnamespace
  GROUP BY 1`

const LAST_RUNS = `
  SELECT DISTINCT ON (processor) processor, started_at, result, events, rows
  FROM processor_runs ORDER BY processor, id DESC`

export async function storedLineage(url: string, role: string): Promise<StoredLineage> {
  const pool = openPool(url, { role, max: 1 })
  try {
    const views = await pool.query<{ table: string; views: string[] }>(VIEWS)
    const runs = await pool.query<{
      processor: string
      started_at: Date
      result: string
      events: bigint
      rows: bigint | null
    }>(LAST_RUNS)
    return {
      views: new Map(views.rows.map((row) => [row.table, row.views])),
      lastRuns: new Map(
        runs.rows.map(({ processor, started_at, result, events, rows }) => [
          processor,
          {
            startedAt: started_at.toISOString(),
            result,
            events: Number(events),
            rows: rows === null ? undefined : Number(rows),
          },
        ]),
      ),
    }
  } catch (error) {
    throw asSaldoError(error)
  } finally {
    await pool.end()
  }
}
