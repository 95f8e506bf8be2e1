/** The parts of the bench and how each is sized by the options. */
import type { Bench } from './bench.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { scale } from './scale.ts'
import { kafkaStages } from './stages.ts'
import { tablesCurrent } from './tables-current.ts'
import { takeover } from './takeover.ts'
import { throughput } from './throughput.ts'

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
}

/** The default of a production log on Kafka. */
const MANY_PARTITIONS = 12
/** Enough to be steady, where more would only take longer. */
const STAGES_COMMANDS_MAX = 200_000
const SCALE_COMMANDS_MAX = 500_000
const TAKEOVER_RATE = 2000
const WARM_UP_SECONDS_MAX = 10
const PROCESSES = [1, 2, 4]

/** Returns whether every count was right. */
export async function runPart(bench: Bench, part: Part, sizes: Sizes): Promise<boolean> {
  const { users, runs, partitions, seconds } = sizes
  switch (part) {
    case 'throughput':
      return await throughput(bench, sizes)
    case 'stages': {
      const commands = Math.min(sizes.commands, STAGES_COMMANDS_MAX)
      await kafkaStages(bench, { commands, users, partitions })
      return true
    }
    case 'tables': {
      const commands = Math.min(sizes.commands, STAGES_COMMANDS_MAX)
      return await tablesCurrent(bench, { commands, users, runs, partitions })
    }
    case 'latency': {
      const warmUpSeconds = Math.min(seconds, WARM_UP_SECONDS_MAX)
      await latency(bench, { ...sizes, warmUpSeconds })
      return true
    }
    case 'takeover': {
      const { history, ledgers } = sizes
      await takeover(bench, { history, users: ledgers, runs, partitions, rate: TAKEOVER_RATE })
      return true
    }
    case 'scale': {
      const commands = Math.min(sizes.commands, SCALE_COMMANDS_MAX)
      const many = { commands, users, runs, partitions: MANY_PARTITIONS }
      await scale(bench, { ...many, processes: PROCESSES })
      return true
    }
    case 'memory':
      await memory(bench, { partitions: MANY_PARTITIONS, idleSeconds: seconds })
      return true
  }
}
