/** How many commands per second the whole engine makes, what each stage costs, and what the usual way makes beside it. */
import { freshDatabase } from './database.ts'
import { emmettEventStore } from './emmett.ts'
import { measuredRun, type MeasuredRun } from './measured-run.ts'
import { insertPerCommand } from './peer.ts'
import { median, round, spread, type Report, type reportOf } from './report.ts'
import { stageCosts } from './stages.ts'

export type EngineOptions = {
  readonly commands: number
  readonly users: number
  readonly runs: number
}

/** The peer needs no more to be steady, and would take minutes for all. */
const PEER_COMMANDS_MAX = 20_000
const EMMETT_COMMANDS_MAX = 5000

type PeerRun = { readonly commandsPerSecond: number; readonly correct: boolean }

/** Returns whether every sum and count was right. */
export async function engine(
  { commands, users, runs }: EngineOptions,
  report: ReturnType<typeof reportOf>,
): Promise<boolean> {
  const measured: MeasuredRun[] = []
  const peers: PeerRun[] = []
  const emmetts: PeerRun[] = []
  for (let run = 1; run <= runs; run++) {
    report.note(`run ${run} of ${runs}`)
    const database = await freshDatabase()
    try {
      const {
        partitions,
        batchRecords,
        batchBytes,
        checkpointMs,
        checkpointStates,
        checkpointBytes,
        sharding,
      } = database.config
      const workload = { commands, users, partitions }
      report.given(database.version, {
        synchronousCommit: 'on',
        partitions,
        batchRecords,
        batchBytes,
        checkpointMs,
        checkpointStates,
        checkpointBytes,
        shards: sharding,
        commands,
        users,
      })
      const result = await measuredRun(database, workload, report)
      measured.push(result)
      report.line('engine-run', {
        run,
        commandsPerSecond: Math.round(commands / result.seconds),
        cpuMicrosPerCommand: result.cpu,
      })
      report.note('running the peer')
      const peerWorkload = { ...workload, commands: Math.min(commands, PEER_COMMANDS_MAX) }
      peers.push(await insertPerCommand(database.pool, database.url, peerWorkload))
      const some = { ...workload, commands: Math.min(commands, EMMETT_COMMANDS_MAX) }
      const emmett = await emmettEventStore(database.pool, database.url, some)
      if (emmett === undefined) report.note('Emmett is left out: npm ci --prefix bench/peers')
      else emmetts.push(emmett)
    } finally {
      await database.close()
    }
  }
  printMeasured(measured, commands, report)
  printPeer('peer-insert-per-command', INSERT_INCLUDES, measured, peers, commands, report)
  if (emmetts.length > 0)
    printPeer('peer-emmett', EMMETT_INCLUDES, measured, emmetts, commands, report)
  await stageCosts({ commands, users }, report)
  return [...measured, ...peers, ...emmetts].every(({ correct }) => correct)
}

function printMeasured(runs: readonly MeasuredRun[], commands: number, report: Report): void {
  report.line('engine-preload', {
    ...rates(runs.map(({ preload }) => preload.records / preload.seconds)),
    recordsPerSecond: Math.round(
      median(runs.map(({ preload }) => preload.records / preload.seconds)),
    ),
  })
  const decided = runs.map(({ decidedSeconds }) => commands / decidedSeconds)
  report.line('engine-decided', {
    commandsPerSecond: Math.round(median(decided)),
    ...rates(decided),
    includes: 'decided and committed, while the tables follow on the same cores',
  })
  const whole = runs.map(({ seconds }) => commands / seconds)
  report.line('engine-end-to-end', {
    commandsPerSecond: Math.round(median(whole)),
    ...rates(whole),
    includes:
      'decided, committed, every table and command_outcomes current; checkpoints on the way',
    lastCheckpointSeconds: runs.map(({ seconds, checkpointSeconds }) =>
      round(Math.max(0, checkpointSeconds - seconds), 2),
    ),
    residentMiB: runs.map(({ residentMiB }) => residentMiB),
    correct: runs.every(({ correct }) => correct),
  })
}

const INSERT_INCLUDES =
  'BEGIN, INSERT, UPDATE, COMMIT per command; no events, outcomes, sealing or rules'
const EMMETT_INCLUDES =
  'read the stream, fold, decide, append with its version; no outcomes, sealing, tables or categories'

function printPeer(
  name: string,
  includes: string,
  runs: readonly MeasuredRun[],
  peers: readonly PeerRun[],
  commands: number,
  report: Report,
): void {
  const peer = peers.map(({ commandsPerSecond }) => commandsPerSecond)
  report.line(name, {
    commandsPerSecond: Math.round(median(peer)),
    ...rates(peer),
    connections: 4,
    includes,
    correct: peers.every(({ correct }) => correct),
  })
  const ratios = runs.map(({ seconds }, index) => commands / seconds / (peer[index] ?? Number.NaN))
  report.line('engine-vs-peer', {
    peer: name,
    ratio: round(median(ratios), 2),
    runs: ratios.map((ratio) => round(ratio, 2)),
  })
}

function rates(values: readonly number[]): {
  readonly runs: readonly number[]
  readonly median: number
  readonly spread: number
} {
  return {
    runs: values.map((value) => Math.round(value)),
    median: Math.round(median(values)),
    spread: spread(values),
  }
}
