/**
 * Makes the tables of one processor again, from the first item of every partition, while the live ones are served.
 *
 * Invariant: shadow tables are filled by the loop, the fold and the store of the live reader, up to where the live ones
 * stand and never behind that: what comes next is the live owner's to fold, and to tell. Nothing else is written: no
 * outbox row, no record.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { SaldoError } from '../schemas/errors.ts'
import type { RebuildTarget, RunFigures, Standing, TableRebuilds } from '../sink/table-rebuilds.ts'
import { tableOf } from './fold-batch.ts'
import type { BatchLimit, Place } from './log/log.ts'
import type { Processor } from './processors/processor.ts'
import { RebuildFold, within, type OnProgress, type RebuildFoldDeps } from './rebuild-fold.ts'
import { consumerOf, type TableReader } from './table-reader.ts'

export type RebuildDeps = Omit<RebuildFoldDeps, 'limit'> & {
  readonly rebuilds: TableRebuilds
  readonly limit?: BatchLimit
  readonly onProgress?: OnProgress
}

export type Rebuilt = {
  readonly processor: string
  readonly tables: readonly string[]
  readonly events: number
  readonly rows: number
}

const LIMIT: BatchLimit = { records: 5_000, bytes: 4 << 20 }
/** Nobody may wait longer than a moment at the gate: the rest has to be this short before it is closed. */
const NEAR_OFFSETS = 2_000n
const GATE_MS = 2_000
const SWAPS_MAX = 100
const PAUSE_MS = 200

/** Rejects, having changed nothing but the record of runs, when it cannot be done or `stop` fires. */
export async function rebuild<Item>(
  reader: TableReader<Item>,
  processor: Processor<Item>,
  deps: RebuildDeps,
  stop: AbortSignal,
): Promise<Rebuilt> {
  const { rebuilds } = deps
  const target: RebuildTarget = {
    processor: processor.name,
    tables: [tableOf(processor)],
    consumer: consumerOf(processor),
    siblings: reader.processors.map(consumerOf),
    partitions: deps.log.partitions,
  }
  const fold = await RebuildFold.of(reader, processor, { limit: LIMIT, ...deps })
  const figures = (): Omit<RunFigures, 'result'> => {
    return { fromOffsets: fold.from, toOffsets: fold.to, events: fold.events }
  }
  const run = await rebuilds.begin(target)
  try {
    await keepOldRows(reader, target, deps)
    await catchUp(fold, target, deps, stop)
    await rebuilds.settle(target)
    await swapIn(fold, target, deps, stop)
  } catch (error) {
    await fold.stop()
    // Should the database be away, the next rebuild clears up.
    await rebuilds.end(run, { ...figures(), ...failureOf(error, stop) }).catch(() => undefined)
    await rebuilds.discard().catch(() => undefined)
    throw error
  }
  const rows = await rebuilds.countRows(target)
  await rebuilds.end(run, { ...figures(), result: 'done', rows })
  return { processor: processor.name, tables: target.tables, events: fold.events, rows }
}

/** Rows may outlive the records they were made from: what the topic no longer holds is taken over as it is. */
async function keepOldRows<Item>(
  reader: TableReader<Item>,
  target: RebuildTarget,
  { log, keys, rebuilds }: RebuildDeps,
): Promise<void> {
  if (reader.outlives === undefined) return
  const { column, of } = reader.outlives
  for (let partition = 0; partition < log.partitions; partition++) {
    const place: Place = { topic: reader.topic, partition }
    const from = await log.start(place)
    if (from === 0n) continue
    const { records } = await log.read(place, from, { records: 1, bytes: 1 })
    const [first] = await reader.open(records, partition, keys)
    const below = first === undefined ? undefined : of(first)
    await rebuilds.keepRows(target, { partition, from, logIdentity: log.identity, column, below })
  }
}

/** Follows the live table until what is left is little. */
async function catchUp<Item>(
  fold: RebuildFold<Item>,
  target: RebuildTarget,
  deps: RebuildDeps,
  stop: AbortSignal,
): Promise<void> {
  fold.start()
  for (;;) {
    const targets = await targetsFor(fold, await deps.rebuilds.standings(target), deps)
    const near = fold.distanceTo(targets) <= NEAR_OFFSETS
    fold.follow(targets)
    await fold.reached(targets, stop, deps.onProgress)
    if (near) return
  }
}

async function swapIn<Item>(
  fold: RebuildFold<Item>,
  target: RebuildTarget,
  deps: RebuildDeps,
  stop: AbortSignal,
): Promise<void> {
  for (let attempt = 0; attempt < SWAPS_MAX; attempt++) {
    if (attempt > 0) await delay(PAUSE_MS, undefined, { signal: stop })
    await catchUp(fold, target, deps, stop)
    const swapped = await deps.rebuilds.swap(target, async (standings) => {
      const targets = await targetsFor(fold, standings, deps)
      fold.follow(targets)
      if (!(await within(GATE_MS, (late) => fold.reached(targets, late)))) return undefined
      // A batch on its way would wait for the swap and fail.
      await fold.stop()
      return targets
    })
    if (swapped) return
  }
  throw new SaldoError(
    'SALDO_REBUILD_REFUSED',
    `the tables of ${target.processor} were in use at each of ${SWAPS_MAX} tries to swap: nothing was changed`,
  )
}

/** Where the live table stands; where that was made from another log, or is ahead of this one, this one's end counts. */
async function targetsFor<Item>(
  fold: RebuildFold<Item>,
  standings: readonly Standing[],
  { log }: RebuildDeps,
): Promise<readonly bigint[]> {
  const { topic, from } = fold
  return Promise.all(
    standings.map(async (standing, partition) => {
      const end = await log.end({ topic, partition })
      const start = from[partition] ?? 0n
      if (standing === undefined) return start
      const { offset, logIdentity } = standing
      if (logIdentity !== log.identity || offset > end) return end
      return offset > start ? offset : start
    }),
  )
}

function failureOf(error: unknown, stop: AbortSignal): Pick<RunFigures, 'result' | 'error'> {
  if (stop.aborted) return { result: 'interrupted' }
  // Messages of others may quote a value.
  if (error instanceof SaldoError)
    return { result: 'failed', error: `${error.code}: ${error.message}` }
  return { result: 'failed', error: error instanceof Error ? error.name : 'not an error' }
}
