/** One measured run of the engine as it runs in production: each role in a worker thread, nothing wrapped or traced. */
import type { Pool } from 'pg'
import { drainAll, startThreads } from '../cli/engine.ts'
import { backendCpu, backendsOf, ownCpu, since } from './cpu.ts'
import { append, type BenchDatabase } from './database.ts'
import { milestones, type Milestones } from './progress.ts'
import { round, type Report } from './report.ts'
import { amountsSum, openAccounts, recordTransactions, type Workload } from './workload.ts'

export type MeasuredRun = {
  readonly preload: { readonly records: number; readonly seconds: number }
  /** From the first owned partition to the last command decided, and to every table current. */
  readonly decidedSeconds: number
  readonly seconds: number
  readonly checkpointSeconds: number
  /** Microseconds of CPU per command, by who used them. */
  readonly cpu: { readonly [name: string]: number }
  readonly residentMiB: number
  readonly correct: boolean
}

export async function measuredRun(
  database: BenchDatabase,
  workload: Workload,
  report: Report,
): Promise<MeasuredRun> {
  const { log, pool } = database
  report.note(`opening ${workload.users} accounts`)
  await append(log, openAccounts(workload))
  await runEngine(database)
  report.note(`preloading ${workload.commands} commands`)
  const preload = await append(log, recordTransactions(workload))
  // What the preload left in the buffers is not the engine's to write.
  await pool.query('CHECKPOINT')
  const own = ownCpu()
  const backends = await backendCpu(await backendsOf(pool))
  report.note('running the engine')
  const { at, residentMiB, after } = await runEngine(database)
  const cpu = {
    node: round((after.own - own) / workload.commands),
    ...Object.fromEntries(
      Array.from(since(backends, after.backends), ([name, micros]) => [
        `postgresql ${name}`,
        round(micros / workload.commands),
      ]).filter(([, micros]) => micros !== 0),
    ),
  }
  return {
    preload,
    decidedSeconds: (at.decided - at.owned) / 1000,
    seconds: (Math.max(at.decided, at.tables, at.outcomes) - at.owned) / 1000,
    checkpointSeconds: (at.checkpoint - at.owned) / 1000,
    cpu,
    residentMiB,
    correct: await isCorrect(pool, workload, report),
  }
}

/** Starts the engine, waits until it is done with what is in the log, and drains it. */
export async function runEngine({ config, url, pool }: BenchDatabase): Promise<{
  readonly at: Milestones
  readonly residentMiB: number
  readonly after: { readonly own: number; readonly backends: ReadonlyMap<string, number> }
}> {
  const starting = startThreads(config, url, ['actors', 'tables'], { serve: false })
  const ended = starting.then((threads) => Promise.race(threads.map((thread) => thread.ended)))
  const at = await milestones(pool, ended)
  const after = { own: ownCpu(), backends: await backendCpu(await backendsOf(pool)) }
  const residentMiB = Math.round(process.memoryUsage.rss() / 2 ** 20)
  await drainAll(await starting)
  return { at, residentMiB, after }
}

/** Every command answered once and accepted, and the sum of all balances what was sent, to the last minor unit. */
async function isCorrect(pool: Pool, workload: Workload, report: Report): Promise<boolean> {
  const { rows } = await pool.query<{
    balances: string
    transactions: bigint
    accepted: bigint
    outcomes: bigint
  }>(`SELECT (SELECT sum(balance_minor) FROM accounts)::text AS balances,
             (SELECT count(*) FROM transactions) AS transactions,
             (SELECT count(*) FROM command_outcomes WHERE verdict = 'accepted') AS accepted,
             (SELECT sum(next_offset) FROM log_heads WHERE topic_id = 3)::bigint AS outcomes`)
  const found = rows[0]
  const answered = BigInt(workload.commands + workload.users)
  const correct =
    found !== undefined &&
    BigInt(found.balances) === amountsSum(workload) &&
    found.transactions === BigInt(workload.commands) &&
    found.accepted === answered &&
    found.outcomes === answered
  if (!correct) {
    const text = JSON.stringify(found, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    report.note(`wrong: expected ${amountsSum(workload)} and ${answered} answers, found ${text}`)
  }
  return correct
}
