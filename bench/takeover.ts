/** How long a partition waits for its new owner after the one before was killed, with a long history behind it. */
import { setTimeout as delay } from 'node:timers/promises'
import { startThreads } from '../cli/engine.ts'
import type { RoleThread } from '../cli/threads.ts'
import { ACTOR_GROUP } from '../topology/run-actors.ts'
import { append, freshDatabase, type BenchDatabase } from './database.ts'
import { runEngine } from './measured-run.ts'
import { median, round, spread, type reportOf } from './report.ts'
import { openAccounts, recordTransactions, type Workload } from './workload.ts'

export type TakeoverOptions = {
  readonly events: number
  readonly users: number
  readonly runs: number
}

/** Enough that the killed owner is in the middle of them, and leaves a tail behind its last checkpoint. */
const COMMANDS_AT_KILL = 20_000
const LOOK_EVERY_MS = 5

/** Seconds from the new lease to the first new event, for the slowest partition. */
export async function takeover(
  { events, users, runs }: TakeoverOptions,
  report: ReturnType<typeof reportOf>,
): Promise<void> {
  const database = await freshDatabase()
  try {
    const { partitions, checkpointMs } = database.config
    const workload = { commands: events - users, users, partitions }
    report.given(database.version, { events, users, partitions, checkpointMs })
    report.note(`making a history of ${events} events of ${users} ledgers`)
    await append(database.log, openAccounts(workload))
    await append(database.log, recordTransactions(workload))
    await runEngine(database)
    const waited: number[] = []
    for (let run = 1; run <= runs; run++) {
      report.note(`run ${run} of ${runs}: killing an owner at work`)
      const seconds = await killed(database, workload, run)
      waited.push(seconds)
      report.line('takeover-run', { run, secondsFromLeaseToFirstEvent: round(seconds, 2) })
    }
    report.line('takeover', {
      secondsFromLeaseToFirstEvent: round(median(waited), 2),
      spread: spread(waited),
      runs: waited.map((seconds) => round(seconds, 2)),
      includes:
        'fence, offset, tail, keys and states of the first batch, its commit; the slowest partition',
    })
  } finally {
    await database.close()
  }
}

async function killed(database: BenchDatabase, workload: Workload, run: number): Promise<number> {
  const [first] = await startActors(database)
  const before = await ends(database)
  const sent = Math.min(COMMANDS_AT_KILL, workload.commands)
  await append(database.log, recordTransactions({ ...workload, commands: sent }, `run ${run} `))
  await reached(database, (now) => grown(before, now) >= sent / 2)
  await first?.kill()
  const atKill = await ends(database)
  const epochs = await leaseEpochs(database)
  const [second] = await startActors(database)
  try {
    const owned = new Map<number, number>()
    const alive = new Map<number, number>()
    while (alive.size < workload.partitions) {
      const [now, leases] = [await ends(database), await leaseEpochs(database)]
      const at = performance.now()
      for (const [partition, epoch] of leases) {
        if (epoch > (epochs.get(partition) ?? 0n) && !owned.has(partition)) owned.set(partition, at)
      }
      for (const [partition, end] of now) {
        if (end > (atKill.get(partition) ?? 0n) && !alive.has(partition)) alive.set(partition, at)
      }
      await delay(LOOK_EVERY_MS)
    }
    return (
      Math.max(...Array.from(alive, ([partition, at]) => at - (owned.get(partition) ?? at))) / 1000
    )
  } finally {
    await reached(database, (now) => grown(before, now) >= sent)
    await second?.drain()
  }
}

function startActors({ config, url }: BenchDatabase): Promise<readonly RoleThread[]> {
  return startThreads(config, url, ['actors'], { serve: false })
}

type Ends = ReadonlyMap<number, bigint>

/** Committed end of the events by partition. */
async function ends({ pool }: BenchDatabase): Promise<Ends> {
  const { rows } = await pool.query<{ partition: number; next_offset: bigint }>({
    name: 'event-ends',
    text: 'SELECT partition, next_offset FROM log_heads WHERE topic_id = 2',
  })
  return new Map(rows.map(({ partition, next_offset }) => [partition, next_offset]))
}

async function leaseEpochs({ pool }: BenchDatabase): Promise<Ends> {
  const { rows } = await pool.query<{ partition: number; epoch: bigint }>({
    name: 'lease-epochs',
    text: 'SELECT partition, epoch FROM leases WHERE group_name = $1',
    values: [ACTOR_GROUP],
  })
  return new Map(rows.map(({ partition, epoch }) => [partition, epoch]))
}

function grown(before: Ends, now: Ends): number {
  return [...now].reduce(
    (sum, [partition, end]) => sum + Number(end - (before.get(partition) ?? 0n)),
    0,
  )
}

async function reached(database: BenchDatabase, isSo: (now: Ends) => boolean): Promise<void> {
  while (!isSo(await ends(database))) await delay(LOOK_EVERY_MS)
}
