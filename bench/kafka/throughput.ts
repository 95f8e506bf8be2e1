/** Commands per second and CPU per command of one process, beside the peer on the same records. */
import { setTimeout as delay } from 'node:timers/promises'
import { median, round, spread } from '../report.ts'
import { createTopic, inWorld, type Bench } from './bench.ts'
import { committedOf, consumed, type Consumption } from './consumption.ts'
import { startActors, type RoleSettings, type World } from './engine.ts'
import { peerBest, peerDefault, startPeer, type PeerConfiguration } from './peer.ts'
import type { UnitCosts } from './paper.ts'
import { countCommitted, loadCommands } from './traffic.ts'

export type ThroughputOptions = {
  readonly commands: number
  readonly users: number
  readonly runs: number
  readonly partitions: number
  readonly withRareCheckpoints: boolean
}

export type ActorCosts = Omit<UnitCosts, 'tablesNodeMicros' | 'tablesPostgresMicros'>

const SALDO = 'saldo'
/** Half the rows of checkpoints, for a tail that takes longer to fold after a crash: the lag says how long. */
const RARELY = {
  name: 'saldo, 10 s checkpoints',
  settings: {
    SALDO_CHECKPOINT_MS: '10000',
    SALDO_CHECKPOINT_STATES: '100000',
    SALDO_CHECKPOINT_BYTES: '64000000',
  },
}
const LAG_LOOK_MS = 100

type Lag = {
  /** Most commands that were decided and not yet checkpointed. */
  readonly commandsAtMost: number
  /** From the last command decided until the checkpoint had it. */
  readonly lastSeconds: number
}
type Measured = Consumption & {
  readonly correct: boolean
  readonly lag?: Lag
  /** Of a record with its key: commands, events and outcomes, or the peer's events. */
  readonly bytes: readonly number[]
}

/** Our unit costs, undefined where a count was wrong. */
export async function throughput(
  bench: Bench,
  options: ThroughputOptions,
): Promise<ActorCosts | undefined> {
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
      await load(bench, world, options)
      const steps = [
        { name: SALDO, measure: () => ours(bench, world, options, {}) },
        ...[RARELY].slice(0, options.withRareCheckpoints ? 1 : 0).map(({ name, settings }) => ({
          name,
          measure: () =>
            inWorld(bench, options.partitions, async (own) => {
              await load(bench, own, options)
              return await ours(bench, own, options, settings)
            }),
        })),
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
    ? costsOf(results.get(SALDO) ?? [])
    : undefined
}

function costsOf(runs: readonly Measured[]): ActorCosts {
  const of = (figure: (one: Measured) => number): number => median(runs.map(figure))
  const [commandBytes = 0, eventBytes = 0, outcomeBytes = 0] = runs[0]?.bytes ?? []
  return {
    commandsPerSecond: of((one) => one.commandsPerSecond),
    engineMicros: of((one) => one.appMicros),
    brokerMicros: of((one) => one.brokerMicros),
    checkpointMicros: of((one) => one.postgresMicros),
    commandBytes,
    eventBytes,
    outcomeBytes,
  }
}

async function load(bench: Bench, world: World, options: ThroughputOptions): Promise<void> {
  const to = { broker: world.broker, topic: world.topic('ledger.commands') }
  await loadCommands(bench.java, to, options, bench.report.note)
}

async function ours(
  bench: Bench,
  world: World,
  options: ThroughputOptions,
  settings: RoleSettings,
): Promise<Measured> {
  const { commands, users } = options
  const total = commands + users
  const engine = await startActors(world, settings)
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
    const topics = ['ledger.commands', 'ledger.events', 'ledger.outcomes'] as const
    const counts = await countCommitted(bench.java, world.broker, topics.map(world.topic))
    return {
      ...consumption,
      lag: held,
      bytes: counts.map(({ bytesEach }) => Math.round(bytesEach)),
      correct: counts.every(({ records }) => records === total),
    }
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
    return {
      ...consumption,
      bytes: [count?.bytesEach ?? 0].map(Math.round),
      correct: count?.records === total,
    }
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
      bytesPerRecord: runs[0]?.bytes ?? [],
      correct: runs.every(({ correct }) => correct),
    })
  }
  for (const engine of [SALDO, RARELY.name].filter((name) => results.has(name))) {
    for (const { name: peer } of [peerBest, peerDefault]) {
      const ratio = (figure: (one: Measured) => number): number =>
        round(of(engine, figure) / of(peer, figure), 2)
      report.line('kafka-throughput-ratio', {
        engine,
        peer,
        throughput: ratio((one) => one.commandsPerSecond),
        appCpu: ratio((one) => one.appMicros),
      })
    }
  }
}
