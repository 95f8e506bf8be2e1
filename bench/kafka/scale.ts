/** One, two, four engine processes against the same partitions: commands per second and what each costs. */
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { median, round } from '../report.ts'
import { inWorld, type Bench } from './bench.ts'
import { consumed, type Consumption } from './consumption.ts'
import { startActors } from './engine.ts'
import { loadCommands } from './traffic.ts'

export type ScaleOptions = {
  readonly commands: number
  readonly users: number
  readonly runs: number
  readonly processes: readonly number[]
  readonly partitions: number
}

export async function scale(bench: Bench, options: ScaleOptions): Promise<void> {
  const { report } = bench
  const { commands, users, partitions } = options
  const results = new Map<number, Consumption[]>()
  for (let run = 1; run <= options.runs; run++) {
    for (const processes of options.processes) {
      report.note(
        `scale, run ${run} of ${options.runs}: ${processes} processes, ${partitions} partitions`,
      )
      await inWorld(bench, partitions, async (world) => {
        const topic = world.topic('ledger.commands')
        await loadCommands(bench.java, { broker: world.broker, topic }, options, report.note)
        const engines = await Promise.all(
          Array.from({ length: processes }, () => startActors(world)),
        )
        try {
          const consumption = await consumed(
            bench.admin,
            {
              id: `${world.prefix}${ACTOR_GROUP}`,
              topic,
              total: commands + users,
              pids: engines.map(({ pid }) => pid),
              brokerPid: bench.broker.pid,
              pool: world.tables.pool,
              ended: Promise.race(engines.map(({ ended }) => ended)),
            },
            report.note,
          )
          results.set(processes, [...(results.get(processes) ?? []), consumption])
        } finally {
          await Promise.all(engines.map((engine) => engine.kill('SIGTERM')))
        }
      })
    }
  }
  for (const [processes, runs] of results) {
    const of = (figure: (one: Consumption) => number): number => median(runs.map(figure))
    report.line('kafka-scale', {
      processes,
      partitions,
      commandsPerSecond: Math.round(of((one) => one.commandsPerSecond)),
      runs: runs.map((one) => Math.round(one.commandsPerSecond)),
      appMicrosPerCommand: round(of((one) => one.appMicros)),
      brokerMicrosPerCommand: round(of((one) => one.brokerMicros)),
      postgresMicrosPerCommand: round(of((one) => one.postgresMicros)),
    })
  }
}
