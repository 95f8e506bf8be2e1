import { storedLineage, type LastRun } from '../sink/lineage-queries.ts'
import { tableOf } from '../topology/fold-batch.ts'
import { ledgerTables, outcomeTables } from '../topology/table-reader.ts'
import type { Output } from './output.ts'

type Lineage = {
  readonly topic: string
  readonly reader: string
  readonly processor: string
  /** How rows are made: appended, added up, stepped, or the first of their key. */
  readonly kind: string
  readonly table: string
  readonly views: readonly string[]
  readonly lastRebuild: LastRun | null
}

/** What each table is made from: topic, processor, table, and the views that read it. */
export async function runLineage(
  databaseUrl: string,
  { json }: { readonly json: boolean },
  out: Output,
): Promise<void> {
  const { views, lastRuns } = await storedLineage(databaseUrl, 'lineage')
  const lineage = [ledgerTables, outcomeTables].flatMap(({ name, topic, processors }) =>
    processors.map((processor): Lineage => {
      const table = tableOf(processor)
      return {
        topic,
        reader: name,
        processor: processor.name,
        kind: processor.kind,
        table,
        views: views.get(table) ?? [],
        lastRebuild: lastRuns.get(processor.name) ?? null,
      }
    }),
  )
  if (json) out.result(JSON.stringify(lineage))
  else for (const one of lineage) out.result(lineOf(one))
}

function lineOf({ topic, processor, kind, table, views, lastRebuild }: Lineage): string {
  const path = [
    topic,
    `${processor} (${kind})`,
    table,
    ...(views.length > 0 ? [views.join(', ')] : []),
  ]
  const rebuilt =
    lastRebuild === null ? '' : `; rebuilt ${lastRebuild.startedAt}, ${lastRebuild.result}`
  return `${path.join(' -> ')}${rebuilt}`
}
