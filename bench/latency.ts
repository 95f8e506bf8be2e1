/** From the call that appends a command to its row being visible to somebody else, at a steady rate. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { drainAll, startThreads } from '../cli/engine.ts'
import type { NewRecord } from '../topology/log/log.ts'
import { append, freshDatabase, type BenchDatabase } from './database.ts'
import { runEngine } from './measured-run.ts'
import { quantile, round, type reportOf } from './report.ts'
import { openAccounts, recordTransactions } from './workload.ts'

export type LatencyOptions = {
  /** Commands per second. */
  readonly rate: number
  readonly seconds: number
  readonly users: number
  readonly runs: number
}

/** One append carries what fell due in this time. */
const APPEND_EVERY_MS = 10
const LOOK_EVERY_MS = 2
/** The first seconds compile, open connections and load every ledger: they are sent and not counted. */
const WARM_UP_SECONDS = 5

export async function latency(
  { rate, seconds, users, runs }: LatencyOptions,
  report: ReturnType<typeof reportOf>,
): Promise<void> {
  for (let run = 1; run <= runs; run++) {
    const database = await freshDatabase()
    try {
      const { partitions } = database.config
      report.given(database.version, { rate, seconds, users, partitions })
      report.note(`run ${run} of ${runs}: opening ${users} accounts`)
      const commands = rate * (seconds + WARM_UP_SECONDS)
      const workload = { commands, users, partitions }
      await append(database.log, openAccounts(workload))
      await runEngine(database)
      report.note(`sending ${rate} commands per second for ${WARM_UP_SECONDS} + ${seconds} seconds`)
      const waits = await waitsOf(database, [...recordTransactions(workload)], rate)
      const counted = Float64Array.from(waits.slice(rate * WARM_UP_SECONDS)).sort()
      report.line('append-to-visible-row', {
        run,
        p50Ms: round(quantile(counted, 0.5)),
        p99Ms: round(quantile(counted, 0.99)),
        maxMs: round(counted.at(-1) ?? Number.NaN),
        counted: counted.length,
        resolutionMs: LOOK_EVERY_MS,
        appendEveryMs: APPEND_EVERY_MS,
      })
    } finally {
      await database.close()
    }
  }
}

/** Milliseconds that each command waited, in the order of their sending. */
async function waitsOf(
  database: BenchDatabase,
  records: readonly NewRecord[],
  rate: number,
): Promise<readonly number[]> {
  const threads = await startThreads(database.config, database.url, ['actors', 'tables'], {
    serve: false,
  })
  try {
    await allOwned(database)
    const sent = records.map(() => 0)
    const sending = sendAtRate(database, records, rate, sent)
    const seen = await see(database.pool, records, sending)
    return seen.map((at, index) => at - (sent[index] ?? 0))
  } finally {
    await drainAll(threads)
  }
}

/** Taking partitions over is another bench's figure. */
export async function allOwned({ pool, config }: BenchDatabase): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ owned: number; groups: number }>(
      'SELECT count(owner)::int AS owned, count(DISTINCT group_name)::int AS groups FROM leases',
    )
    const { owned, groups } = rows[0] ?? { owned: 0, groups: 0 }
    if (groups > 0 && owned === groups * config.partitions) return
    await delay(APPEND_EVERY_MS)
  }
}

/** Appends what is due, whether the last append was slow or not: a slow log must not slow the clock down. */
export async function sendAtRate(
  { log }: Pick<BenchDatabase, 'log'>,
  records: readonly NewRecord[],
  rate: number,
  sent: number[] = [],
): Promise<void> {
  const producer = log.producer()
  const began = performance.now()
  for (let next = 0; next < records.length;) {
    const due = Math.min(
      records.length,
      Math.floor(((performance.now() - began) / 1000) * rate) + 1,
    )
    if (due > next) {
      const now = performance.now()
      // A command counts from when it was due, not from when there was time for it.
      for (let index = next; index < due; index++) {
        sent[index] = Math.min(now, began + (index / rate) * 1000)
      }
      await producer.append(records.slice(next, due))
      next = due
    }
    await delay(APPEND_EVERY_MS)
  }
}

/** When each command's row was first visible: every command of this workload gives one event in its partition. */
async function see(
  pool: Pool,
  records: readonly NewRecord[],
  sending: Promise<void>,
): Promise<readonly number[]> {
  const seen = records.map(() => Number.NaN)
  const waiting = new Map<number, number[]>()
  for (const [index, { partition }] of records.entries()) {
    const queue = waiting.get(partition)
    if (queue === undefined) waiting.set(partition, [index])
    else queue.push(index)
  }
  const first = await visible(pool)
  const done = new Map<number, number>()
  for (let left = records.length; left > 0;) {
    // What the sender throws must not be waited for in vain.
    await Promise.race([delay(LOOK_EVERY_MS), sending.then(() => delay(LOOK_EVERY_MS))])
    const now = await visible(pool)
    const at = performance.now()
    for (const [partition, offset] of now) {
      const queue = waiting.get(partition) ?? []
      const upTo = offset - (first.get(partition) ?? 0)
      for (let nth = done.get(partition) ?? 0; nth < upTo; nth++, left--) {
        seen[queue[nth] ?? -1] = at
      }
      done.set(partition, upTo)
    }
  }
  return seen
}

/** Events of each partition that are rows in `transactions`. */
async function visible(pool: Pool): Promise<ReadonlyMap<number, number>> {
  const { rows } = await pool.query<{ partition: number; next_offset: bigint }>({
    name: 'visible',
    text: "SELECT partition, next_offset FROM progress WHERE consumer = 'tables:transactions'",
  })
  return new Map(rows.map(({ partition, next_offset }) => [partition, Number(next_offset)]))
}
