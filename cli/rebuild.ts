import { postgresTableStore } from '../sink/postgres-table-store.ts'
import { shadowUrl, tableRebuilds } from '../sink/table-rebuilds.ts'
import { SaldoError } from '../schemas/errors.ts'
import { tableOf } from '../topology/fold-batch.ts'
import type { Processor } from '../topology/processors/processor.ts'
import { rebuild, type RebuildDeps, type Rebuilt } from '../topology/rebuild.ts'
import { ledgerTables, outcomeTables, type TableReader } from '../topology/table-reader.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'
import { progress } from './progress-bar.ts'
import type { VerbDeps } from './with-log.ts'

export type RebuildOptions = {
  /** A table or a processor; every one without it. */
  readonly name?: string
  readonly json: boolean
}

type Job = {
  readonly names: readonly string[]
  run(deps: RebuildDeps, stop: AbortSignal): Promise<Rebuilt>
}

const jobs: readonly Job[] = [...jobsOf(ledgerTables), ...jobsOf(outcomeTables)]

function jobsOf<Item>(reader: TableReader<Item>): readonly Job[] {
  return reader.processors.map((processor: Processor<Item>) => ({
    names: [processor.name, tableOf(processor)],
    run: (deps, stop) => rebuild(reader, processor, deps, stop),
  }))
}

/** Rejects with SALDO_USAGE for a name that nothing has. */
export function jobsNamed(name: string | undefined): readonly Job[] {
  if (name === undefined) return jobs
  const found = jobs.filter(({ names }) => names.includes(name))
  if (found.length > 0) return found
  const known = [...new Set(jobs.flatMap(({ names }) => names))].toSorted().join(', ')
  throw new SaldoError('SALDO_USAGE', `nothing is called "${name}": it is one of ${known}`)
}

/** Rebuilds one after the other; one that fails leaves its table as it was and ends the verb. */
export async function runRebuild(
  { databaseUrl, log, keys }: VerbDeps,
  { name, json }: RebuildOptions,
  stop: AbortSignal,
  out: Output,
): Promise<ExitCode> {
  const chosen = jobsNamed(name)
  const rebuilds = await tableRebuilds(databaseUrl, 'rebuild')
  try {
    for (const job of chosen) {
      const bar = progress(`rebuilding ${job.names[0]}`, out.note)
      const shadow = () => postgresTableStore(shadowUrl(databaseUrl), 'rebuild-shadow')
      const began = performance.now()
      const rebuilt = await job
        .run({ log, keys, rebuilds, shadow, onProgress: bar.update }, stop)
        .finally(bar.stop)
      const seconds = Number(((performance.now() - began) / 1000).toFixed(1))
      out.result(json ? JSON.stringify({ ...rebuilt, seconds }) : lineOf(rebuilt, seconds))
    }
    return 0
  } catch (error) {
    if (!stop.aborted) throw error
    out.note('stopped: what was not finished is as it was')
    return 1
  } finally {
    await rebuilds.close()
  }
}

function lineOf({ tables, events, rows }: Rebuilt, seconds: number): string {
  const records = events === 1 ? '1 record' : `${events} records`
  return `${tables.join(', ')}: ${rows === 1 ? '1 row' : `${rows} rows`} from ${records} in ${seconds} s`
}
