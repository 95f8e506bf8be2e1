/** Hours at a steady rate: does anything grow that the data does not need? */
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { NewRecord } from '../topology/log/log.ts'
import { append, freshDatabase, type BenchDatabase } from './database.ts'
import { engineProcess, type EngineProcess } from './engine-process.ts'
import { milestones } from './progress.ts'
import { median, round, type reportOf } from './report.ts'
import { openAccounts, recordTransactions } from './workload.ts'

export type SoakOptions = {
  readonly rate: number
  readonly minutes: number
  readonly users: number
}

const SAMPLES = 40
const APPEND_EVERY_MS = 100

type Sample = {
  readonly commands: number
  readonly residentMiB: number
  readonly walMiB: number
  readonly tablesMiB: number
  readonly deadRows: number
}

/** Returns whether the last quarter needed no more than the second: memory at all, tables per command; and WAL no more than its limit. */
export async function soak(
  { rate, minutes, users }: SoakOptions,
  report: ReturnType<typeof reportOf>,
): Promise<boolean> {
  const database = await freshDatabase()
  try {
    const { partitions } = database.config
    report.given(database.version, { rate, minutes, users, partitions })
    const workload = { commands: Math.ceil(rate * minutes * 60), users, partitions }
    await append(database.log, openAccounts(workload))
    const engine = await engineProcess(database)
    try {
      const samples = await sampled(database, engine, recordTransactions(workload), rate, report)
      await milestones(database.pool, new Promise(() => undefined))
      return judged(samples, await walLimit(database.pool), report)
    } finally {
      await engine.stop()
    }
  } finally {
    await database.close()
  }
}

async function sampled(
  { log, pool }: BenchDatabase,
  engine: EngineProcess,
  records: Generator<NewRecord>,
  rate: number,
  report: ReturnType<typeof reportOf>,
): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  const producer = log.producer()
  const all = [...records]
  const began = performance.now()
  for (let sent = 0; sent < all.length;) {
    const due = Math.min(all.length, Math.floor(((performance.now() - began) / 1000) * rate) + 1)
    await producer.append(all.slice(sent, due))
    sent = due
    if (sent >= ((samples.length + 1) * all.length) / SAMPLES) {
      const sample = {
        commands: sent,
        residentMiB: await engine.residentMiB(),
        ...(await sizes(pool)),
      }
      samples.push(sample)
      report.note(JSON.stringify(sample))
    }
    await delay(APPEND_EVERY_MS)
  }
  return samples
}

async function sizes(pool: Pool): Promise<Omit<Sample, 'commands' | 'residentMiB'>> {
  const { rows } = await pool.query<{ wal: string; tables: string; dead: string }>(
    `SELECT (SELECT sum(size) FROM pg_ls_waldir())::text AS wal,
            pg_database_size(current_database())::text AS tables,
            (SELECT sum(n_dead_tup) FROM pg_stat_user_tables)::text AS dead`,
  )
  const { wal = '', tables = '', dead = '' } = rows[0] ?? {}
  return { walMiB: mebibytes(wal), tablesMiB: mebibytes(tables), deadRows: Number(dead) }
}

function mebibytes(bytes: string): number {
  return round(Number(bytes) / 2 ** 20)
}

/** WAL is recycled when it comes near this size, and not before: below it, growth says nothing. */
async function walLimit(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ mebibytes: number }>(
    "SELECT setting::int AS mebibytes FROM pg_settings WHERE name = 'max_wal_size'",
  )
  return rows[0]?.mebibytes ?? Number.NaN
}

/** Room for what breathes: garbage that is not collected yet, WAL before it is recycled. */
const TOLERANCE = 1.15

function judged(
  samples: readonly Sample[],
  walLimitMiB: number,
  report: ReturnType<typeof reportOf>,
): boolean {
  const quarter = (nth: number): readonly Sample[] =>
    samples.slice(((nth - 1) * samples.length) / 4, (nth * samples.length) / 4)
  const of = (nth: number, figure: (sample: Sample) => number): number =>
    round(median(quarter(nth).map(figure)))
  const growth = (nth: number): number => {
    const [first, last] = [quarter(nth)[0], quarter(nth).at(-1)]
    if (first === undefined || last === undefined) return Number.NaN
    return Math.round(
      ((last.tablesMiB - first.tablesMiB) * 2 ** 20) / (last.commands - first.commands),
    )
  }
  const figures = {
    residentMiB: [2, 4].map((nth) => of(nth, ({ residentMiB }) => residentMiB)),
    walMiB: [2, 4].map((nth) => of(nth, ({ walMiB }) => walMiB)),
    deadRows: [2, 4].map((nth) => of(nth, ({ deadRows }) => deadRows)),
    bytesPerCommand: [2, 4].map(growth),
  }
  const grew = (['residentMiB', 'bytesPerCommand'] as const).filter((name) => {
    const [second = 0, last = 0] = figures[name]
    return last > second * TOLERANCE
  })
  const overWal = (figures.walMiB[1] ?? 0) > walLimitMiB * TOLERANCE
  report.line('soak', {
    quarters: [2, 4],
    ...figures,
    walLimitMiB,
    tolerance: TOLERANCE,
    grew,
    overWal,
  })
  return grew.length === 0 && !overWal
}
