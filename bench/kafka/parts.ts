/** The parts of the bench and how each is sized by the options. */
import type { Bench } from './bench.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { needsOf } from './paper.ts'
import { peerBest, peerQuick } from './peer.ts'
import { scale } from './scale.ts'
import { kafkaStages } from './stages.ts'
import { tablesCurrent, type TableCosts } from './tables-current.ts'
import { takeover } from './takeover.ts'
import { throughput, type ActorCosts } from './throughput.ts'

export const PARTS = [
  'throughput',
  'stages',
  'tables',
  'latency',
  'takeover',
  'scale',
  'memory',
] as const
export type Part = (typeof PARTS)[number]

export type Sizes = {
  readonly commands: number
  readonly users: number
  readonly runs: number
  readonly partitions: number
  readonly rates: readonly number[]
  readonly seconds: number
  readonly history: number
  readonly ledgers: number
  /** To see that it runs, and not to be quoted: fewer engines, rates and processes. */
  readonly isSmall: boolean
}

/** The default of a production log on Kafka. */
const MANY_PARTITIONS = 12
/** Enough to be steady, where more would only take longer. */
const STAGES_COMMANDS_MAX = 200_000
const SCALE_COMMANDS_MAX = 500_000
const TAKEOVER_RATE = 2000
const WARM_UP_SECONDS_MAX = 10
const PROCESSES = [1, 2, 4]
/** Of the commands, where the small form does less of a part. */
const SMALL_SHARE = 5

/** Returns whether every count was right. */
export async function runParts(
  bench: Bench,
  parts: readonly Part[],
  sizes: Sizes,
): Promise<boolean> {
  const costs: Costs = {}
  let correct = true
  for (const part of parts) correct = (await runPart(bench, part, sizes, costs)) && correct
  const { actors, tables } = costs
  if (actors !== undefined && tables !== undefined) {
    const { nodeMicros, postgresMicros } = tables
    const more = {
      tablesNodeMicros: nodeMicros,
      // The tables' run makes checkpoints too.
      tablesPostgresMicros: Math.max(0, postgresMicros - actors.checkpointMicros),
    }
    bench.report.line('kafka-million-on-paper', needsOf({ ...actors, ...more }))
  }
  return correct
}

type Costs = { actors?: ActorCosts | undefined; tables?: TableCosts | undefined }

async function runPart(bench: Bench, part: Part, sizes: Sizes, costs: Costs): Promise<boolean> {
  const { users, runs, partitions, seconds, isSmall } = sizes
  const fewer = isSmall ? Math.ceil(sizes.commands / SMALL_SHARE) : sizes.commands
  switch (part) {
    case 'throughput':
      costs.actors = await throughput(bench, { ...sizes, withRareCheckpoints: !isSmall })
      return costs.actors !== undefined
    case 'stages': {
      const commands = Math.min(fewer, STAGES_COMMANDS_MAX)
      await kafkaStages(bench, { commands, users, partitions })
      return true
    }
    case 'tables': {
      const commands = Math.min(fewer, STAGES_COMMANDS_MAX)
      costs.tables = await tablesCurrent(bench, { commands, users, runs, partitions })
      return costs.tables !== undefined
    }
    case 'latency': {
      const warmUpSeconds = Math.min(seconds, WARM_UP_SECONDS_MAX)
      const peers = isSmall ? [peerQuick] : [peerQuick, peerBest]
      await latency(bench, { ...sizes, warmUpSeconds, peers })
      return true
    }
    case 'takeover': {
      const { history, ledgers } = sizes
      await takeover(bench, { history, users: ledgers, runs, partitions, rate: TAKEOVER_RATE })
      return true
    }
    case 'scale': {
      const commands = Math.min(
        isSmall ? Math.ceil(sizes.commands / 2) : sizes.commands,
        SCALE_COMMANDS_MAX,
      )
      const many = { commands, users, runs, partitions: MANY_PARTITIONS }
      await scale(bench, { ...many, processes: isSmall ? PROCESSES.slice(0, 2) : PROCESSES })
      return true
    }
    case 'memory':
      await memory(bench, { partitions: MANY_PARTITIONS, idleSeconds: seconds })
      return true
  }
}
