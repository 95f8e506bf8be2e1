/** Commands per second and CPU per command of one process, beside the peer on the same records. */
import { setTimeout as delay } from 'node:timers/promises'
import { median, round, spread } from '../report.ts'
import { createTopic, inWorld, type Bench } from './bench.ts'
import { committedOf, consumed, type Consumption } from './consumption.ts'
import { startActors, type World } from './engine.ts'
import { peerBest, peerDefault, startPeer, type PeerConfiguration } from './peer.ts'
import { countCommitted, loadCommands } from './traffic.ts'

export type ThroughputOptions = {
  readonly commands: number
  readonly users: number
  readonly runs: number
  readonly partitions: number
}

const SALDO = 'saldo'
const LAG_LOOK_MS = 100

type Lag = {
  /** Most commands that were decided and not yet checkpointed. */
  readonly commandsAtMost: number
  /** From the last command decided until the checkpoint had it. */
  readonly lastSeconds: number
}
type Measured = Consumption & { readonly correct: boolean; readonly lag?: Lag }

/** Returns whether every count was right. */
export async function throughput(bench: Bench, options: ThroughputOptions): Promise<boolean> {
  const { report } = bench
  const results = new Map<string, Measured[]>()
  const add = (name: string, measured: Measured): void => {
    results.set(name, [...(results.get(name) ?? []), measured])
    const { commandsPerSecond, appMicros, correct } = measured
    report.note(
      `  ${name}: ${Math.round(commandsPerSecond)} commands/s, ${round(appMicros)} µs of CPU each${correct ? '' : ', WRONG COUNTS'}`,
    )
  }
  for (let run = 1; run <= options.runs; run++) {
    await inWorld(bench, options.partitions, async (world) => {
      report.note(`throughput, run ${run} of ${options.runs}: loading ${options.commands} commands`)
      const to = { broker: world.broker, topic: world.topic('ledger.commands') }
      await loadCommands(bench.java, to, options, report.note)
      const steps = [
        { name: SALDO, measure: () => ours(bench, world, options) },
        ...[peerBest, peerDefault].map((configuration) => ({
          name: configuration.name,
          measure: () => peers(bench, world, options, configuration),
        })),
      ]
      // In turns: who is first meets another page cache than who is last.
      for (let index = 0; index < steps.length; index++) {
        const step = steps[(index + run - 1) % steps.length]
        if (step === undefined) continue
        report.note(`throughput, run ${run} of ${options.runs}: ${step.name}`)
        add(step.name, await step.measure())
      }
    })
  }
  print(bench, results)
  return [...results.values()].flat().every(({ correct }) => correct)
}

async function ours(bench: Bench, world: World, options: ThroughputOptions): Promise<Measured> {
  const { commands, users } = options
  const total = commands + users
  const engine = await startActors(world)
  const group = {
    id: `${world.prefix}saldo.actors`,
    topic: world.topic('ledger.commands'),
    total,
    pids: [engine.pid],
    brokerPid: bench.broker.pid,
    pool: world.tables.pool,
    ended: engine.ended,
  }
  const lag = watchLag(bench, world, group)
  try {
    const consumption = await consumed(bench.admin, group, bench.report.note)
    const held = await lag.end(total)
    await engine.kill('SIGTERM')
    const topics = [world.topic('ledger.events'), world.topic('ledger.outcomes')]
    const counts = await countCommitted(bench.java, world.broker, topics)
    return { ...consumption, lag: held, correct: counts.every((count) => count === total) }
  } finally {
    lag.stop()
    await engine.kill('SIGKILL')
  }
}

async function peers(
  bench: Bench,
  world: World,
  { commands, users, partitions }: ThroughputOptions,
  configuration: PeerConfiguration,
): Promise<Measured> {
  const total = commands + users
  const applicationId = `${world.prefix}${bench.nextName()}`
  const events = `${applicationId}.events`
  await createTopic(bench, events, partitions)
  const topic = world.topic('ledger.commands')
  const { folder, broker } = bench
  const at = { broker: broker.address, folder, applicationId, commands: topic, events }
  const peer = await startPeer(bench.java, { ...at, configuration })
  try {
    const consumption = await consumed(
      bench.admin,
      {
        id: applicationId,
        topic,
        total,
        pids: [peer.pid],
        brokerPid: broker.pid,
        pool: undefined,
        ended: peer.child.ended,
      },
      bench.report.note,
    )
    const [count] = await countCommitted(bench.java, broker.address, [events])
    return { ...consumption, correct: count === total }
  } finally {
    await peer.stop()
  }
}

/** Looks at the checkpoints beside the run: what a crash at that moment would have had to fold again. */
function watchLag(
  bench: Bench,
  world: World,
  group: { readonly id: string; readonly topic: string },
) {
  const saved = async (): Promise<number> => {
    const { rows } = await world.tables.pool.query<{ saved: bigint }>({
      name: 'checkpointed',
      text: "SELECT coalesce(sum(commands_offset), 0)::bigint AS saved FROM progress WHERE consumer = 'actors:checkpoint'",
    })
    return Number(rows[0]?.saved ?? 0)
  }
  let running = true
  let most = 0
  const watching = (async () => {
    while (running) {
      const behind = await saved()
      most = Math.max(most, (await committedOf(bench.admin, group)) - behind)
      await delay(LAG_LOOK_MS * 10)
    }
  })()
  watching.catch(() => undefined)
  return {
    stop() {
      running = false
    },
    async end(total: number): Promise<Lag> {
      const decided = performance.now()
      while ((await saved()) < total) await delay(LAG_LOOK_MS)
      running = false
      await watching
      return { commandsAtMost: most, lastSeconds: (performance.now() - decided) / 1000 }
    },
  }
}

function print({ report }: Bench, results: ReadonlyMap<string, readonly Measured[]>): void {
  const of = (name: string, figure: (one: Measured) => number): number =>
    median((results.get(name) ?? []).map(figure))
  for (const [name, runs] of results) {
    report.line('kafka-throughput', {
      engine: name,
      commandsPerSecond: Math.round(of(name, (one) => one.commandsPerSecond)),
      runs: runs.map((one) => Math.round(one.commandsPerSecond)),
      spread: spread(runs.map((one) => one.commandsPerSecond)),
      appMicrosPerCommand: round(of(name, (one) => one.appMicros)),
      brokerMicrosPerCommand: round(of(name, (one) => one.brokerMicros)),
      postgresMicrosPerCommand: round(of(name, (one) => one.postgresMicros)),
      residentMiB: Math.max(...runs.map((one) => one.residentMiB)),
      ...(runs[0]?.lag === undefined
        ? {}
        : {
            checkpointLagCommandsAtMost: Math.max(
              ...runs.map(({ lag }) => lag?.commandsAtMost ?? 0),
            ),
            lastCheckpointSeconds: round(median(runs.map(({ lag }) => lag?.lastSeconds ?? 0)), 2),
          }),
      correct: runs.every(({ correct }) => correct),
    })
  }
  for (const { name } of [peerBest, peerDefault]) {
    report.line('kafka-throughput-ratio', {
      peer: name,
      throughput: round(
        of(SALDO, (one) => one.commandsPerSecond) / of(name, (one) => one.commandsPerSecond),
        2,
      ),
      appCpu: round(of(SALDO, (one) => one.appMicros) / of(name, (one) => one.appMicros), 2),
    })
  }
}
