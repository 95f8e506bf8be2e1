/** What the query API answers per second, how soon, and how fresh, while the engine works on the same cores. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { developmentToken } from '../api/token.ts'
import type { LoadOrder, LoadResult } from './api-load.ts'
import { BUDGETED, loadTransactions, setBudgets } from './api-data.ts'
import { append, freshDatabase, type BenchDatabase } from './database.ts'
import { engineProcess, type EngineProcess } from './engine-process.ts'
import { freshness, LOOK_EVERY_MS, type Prober } from './freshness.ts'
import { sendAtRate } from './latency.ts'
import { runEngine } from './measured-run.ts'
import { quantile, round, type Report, type reportOf } from './report.ts'
import { openAccounts, recordTransactions, userOf, type Workload } from './workload.ts'

export type ApiBenchOptions = {
  readonly transactions: number
  readonly users: number
  /** Commands per second. */
  readonly rate: number
  /** Of each route. */
  readonly seconds: number
}

const CONNECTIONS = 32
const PROBERS = 4
/** Compiles, opens connections and loads ledgers; neither counted. */
const WARM_UP_SECONDS = 5
const LIMITS = { p99MsMax: 15, requestsPerSecondMin: 3000, freshnessP99MsMax: 250 }
const LOAD = join(import.meta.dirname, 'api-load.ts')

/** Returns whether every answer was a success. */
export async function api(
  { transactions, users, rate, seconds }: ApiBenchOptions,
  report: ReturnType<typeof reportOf>,
): Promise<boolean> {
  const database = await freshDatabase()
  try {
    const month = new Date().toISOString().slice(0, 7)
    const paths = ['/v1/transactions', `/v1/budgets?month=${month}`]
    const { partitions } = database.config
    const commands = rate * (seconds + WARM_UP_SECONDS) * paths.length
    // The users behind the others are those whose answers are waited for.
    const workload = { commands, users: users + PROBERS, partitions }
    report.given(database.version, {
      transactions,
      users,
      loaded: `accounts and ${BUDGETED.length} budgets a user by the engine, transactions as rows by COPY`,
      commandsPerSecond: rate,
      seconds,
      connections: CONNECTIONS,
      freshnessProbers: PROBERS,
      processes: 'saldo up (engine and API), PostgreSQL, load, this one',
    })
    await fill(database, transactions, workload, report)

    const secret = randomBytes(32).toString('hex')
    const tokens = await Promise.all(
      Array.from({ length: workload.users }, (_, user) => {
        return developmentToken({ userId: userOf(user, workload), secret, expiresIn: 86_400 })
      }),
    )
    const engine = await engineProcess(database, {
      SALDO_JWT_SECRET: secret,
      SALDO_RATE_LIMIT: '0',
    })
    try {
      const probers = tokens
        .slice(users)
        .map((token, n) => ({ token, userId: userOf(users + n, workload) }))
      const loads = paths.map((path) => {
        return {
          url: engine.apiUrl,
          path,
          connections: CONNECTIONS,
          tokens: tokens.slice(0, users),
        }
      })
      return await measure({ database, engine, workload, rate, seconds, probers, loads }, report)
    } finally {
      await engine.stop()
    }
  } finally {
    await database.close()
  }
}

async function fill(
  database: BenchDatabase,
  transactions: number,
  workload: Workload,
  report: Report,
): Promise<void> {
  report.note(`opening ${workload.users} accounts, with budgets`)
  await append(database.log, openAccounts(workload))
  await append(database.log, setBudgets(workload))
  await runEngine(database)
  report.note(`copying ${transactions} transactions`)
  const began = performance.now()
  await loadTransactions(database.pool, transactions, workload)
  const loadSeconds = round((performance.now() - began) / 1000)
  report.line('api-load', { transactions, seconds: loadSeconds, includes: 'VACUUM ANALYZE' })
}

type Run = {
  readonly database: BenchDatabase
  readonly engine: EngineProcess
  readonly workload: Workload
  readonly rate: number
  readonly seconds: number
  readonly probers: readonly Prober[]
  readonly loads: readonly Omit<LoadOrder, 'seconds'>[]
}

async function measure(run: Run, report: Report): Promise<boolean> {
  const { database, engine, workload, rate, seconds, probers, loads } = run
  // Among the users of the load: those who are waited for send their own.
  const senders = { ...workload, users: workload.users - probers.length }
  const records = [...recordTransactions(senders)]
  const each = records.length / loads.length
  let isClean = true
  const allWaits: number[] = []
  for (const [n, load] of loads.entries()) {
    report.note(`asking ${load.path} for ${WARM_UP_SECONDS} + ${seconds} seconds`)
    const sending = sendAtRate(database, records.slice(n * each, (n + 1) * each), rate)
    sending.catch(() => undefined)
    const warm = await asked({ ...load, seconds: WARM_UP_SECONDS })
    const stop = new AbortController()
    const asking = { log: database.log, apiUrl: engine.apiUrl }
    const probing = freshness(asking, { probers, series: n }, stop.signal)
    probing.catch(() => undefined)
    const result = await asked({ ...load, seconds })
    stop.abort()
    allWaits.push(...(await probing))
    await sending
    const failures = warm.failures + result.failures
    isClean &&= failures === 0 && result.answers > 0
    const { p99MsMax, requestsPerSecondMin } = LIMITS
    const limits = { p99MsMax, requestsPerSecondMin }
    const residentMiB = await engine.residentMiB()
    report.line('api-requests', { route: load.path, ...result, failures, limits, residentMiB })
  }
  const sorted = Float64Array.from(allWaits).sort()
  report.line('api-freshness', {
    p50Ms: round(quantile(sorted, 0.5)),
    p99Ms: round(quantile(sorted, 0.99)),
    maxMs: round(sorted.at(-1) ?? Number.NaN),
    counted: sorted.length,
    resolutionMs: LOOK_EVERY_MS,
    limits: { p99MsMax: LIMITS.freshnessP99MsMax },
  })
  return isClean
}

/** In a process of its own: what asks must not wait for what is asked. */
async function asked(order: LoadOrder): Promise<LoadResult> {
  const child = spawn(process.execPath, [LOAD], { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  child.stdin.end(JSON.stringify(order))
  const printed = await text(child.stdout)
  const [code] = await ended
  if (code !== 0) throw new Error(`the load ended with ${String(code)}`)
  return JSON.parse(printed) as LoadResult
}
