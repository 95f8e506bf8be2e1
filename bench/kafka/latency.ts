/**
 * From when a command was due to when its event is visible to a read_committed consumer, and to when its row is, at a
 * steady rate. The sender and the consumer are the Java client for both engines.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { median, quantile, round } from '../report.ts'
import { createTopic, inWorld, type Bench } from './bench.ts'
import { hasConsumed, postgresCpu } from './consumption.ts'
import { startActors, startTables, type World } from './engine.ts'
import { startPeer, type PeerConfiguration } from './peer.ts'
import { cpuOf } from './process-cpu.ts'
import { loadCommands, startSteady, type Seen } from './traffic.ts'

export type LatencyOptions = {
  readonly rates: readonly number[]
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly users: number
  readonly runs: number
  readonly partitions: number
  readonly peers: readonly PeerConfiguration[]
}

type Engine = {
  readonly pid: number
  readonly group: string
  readonly ended: Promise<unknown>
}
type Waits = {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly appCores: number
  readonly brokerCores: number
  readonly postgresCores: number
}
type Row = { readonly engine: string; readonly rate: number; readonly to: 'event' | 'row' }

const LOOK_EVERY_MS = 5

export async function latency(bench: Bench, options: LatencyOptions): Promise<void> {
  const { report } = bench
  const results = new Map<string, { readonly row: Row; readonly waits: Waits[] }>()
  const add = (row: Row, waits: Waits): void => {
    const key = JSON.stringify(row)
    const known = results.get(key) ?? { row, waits: [] }
    known.waits.push(waits)
    results.set(key, known)
    report.note(`  ${row.engine} → ${row.to}: p50 ${waits.p50Ms} ms, p99 ${waits.p99Ms} ms`)
  }
  for (let run = 1; run <= options.runs; run++) {
    for (const rate of options.rates) {
      const title = `latency at ${rate}/s, run ${run} of ${options.runs}`
      for (const tables of [false, true]) {
        report.note(`${title}: saldo${tables ? ' with its tables' : ''}`)
        await inWorld(bench, options.partitions, async (world) => {
          for (const { to, waits } of await ours(bench, world, options, { rate, tables })) {
            add({ engine: tables ? 'saldo with tables' : 'saldo', rate, to }, waits)
          }
        })
      }
      for (const configuration of options.peers) {
        report.note(`${title}: ${configuration.name}`)
        const waits = await peers(bench, options, rate, configuration)
        add({ engine: configuration.name, rate, to: 'event' }, waits)
      }
    }
  }
  for (const { row, waits } of results.values()) {
    const of = (figure: (one: Waits) => number): number => round(median(waits.map(figure)), 2)
    report.line('kafka-latency', {
      ...row,
      p50Ms: of((one) => one.p50Ms),
      p99Ms: of((one) => one.p99Ms),
      maxMs: of((one) => one.maxMs),
      p99Runs: waits.map(({ p99Ms }) => p99Ms),
      appCores: of((one) => one.appCores),
      brokerCores: of((one) => one.brokerCores),
      postgresCores: of((one) => one.postgresCores),
      seconds: options.seconds,
    })
  }
}

async function ours(
  bench: Bench,
  world: World,
  options: LatencyOptions,
  { rate, tables }: { readonly rate: number; readonly tables: boolean },
): Promise<readonly { readonly to: Row['to']; readonly waits: Waits }[]> {
  const engine = await startActors(world)
  const reader = tables ? await startTables(world) : undefined
  try {
    const rows = tables ? watchRows(world) : undefined
    const at = { commands: world.topic('ledger.commands'), events: world.topic('ledger.events') }
    const group = `${world.prefix}${ACTOR_GROUP}`
    const used = { pid: engine.pid, group, ended: engine.ended }
    const { seen, costs, from } = await measured(bench, options, used, { ...at, rate }, world)
    const toEvent = { to: 'event' as const, waits: waitsOf(seen, costs, from) }
    if (rows === undefined) return [toEvent]
    const visible = await rows.of(seen)
    return [toEvent, { to: 'row' as const, waits: waitsOf(visible, costs, from) }]
  } finally {
    await reader?.kill('SIGTERM')
    await engine.kill('SIGTERM')
  }
}

async function peers(
  bench: Bench,
  options: LatencyOptions,
  rate: number,
  configuration: PeerConfiguration,
): Promise<Waits> {
  const applicationId = bench.nextName()
  const { broker, folder } = bench
  const [commands, events] = [`${applicationId}.commands`, `${applicationId}.events`]
  for (const topic of [commands, events]) await createTopic(bench, topic, options.partitions)
  const at = { broker: broker.address, folder, applicationId, commands, events }
  const peer = await startPeer(bench.java, { ...at, configuration })
  try {
    const used = { pid: peer.pid, group: applicationId, ended: peer.child.ended }
    const { seen, costs, from } = await measured(bench, options, used, { commands, events, rate })
    return waitsOf(seen, costs, from)
  } finally {
    await peer.stop()
  }
}

type Costs = { readonly app: number; readonly broker: number; readonly postgres: number }

/** Opens the accounts, sends at the rate, and leaves the first seconds out: they compile and load. */
async function measured(
  bench: Bench,
  options: LatencyOptions,
  engine: Engine,
  at: { readonly commands: string; readonly events: string; readonly rate: number },
  world?: World,
): Promise<{ readonly seen: readonly Seen[]; readonly costs: Costs; readonly from: number }> {
  const { users, seconds, warmUpSeconds } = options
  const broker = bench.broker.address
  const accounts = { commands: 0, users }
  await loadCommands(bench.java, { broker, topic: at.commands }, accounts, () => undefined)
  const group = { id: engine.group, topic: at.commands, total: users, ended: engine.ended }
  await hasConsumed(bench.admin, group, bench.report.note)
  const series = bench.nextName()
  const traffic = await startSteady(bench.java, {
    broker,
    ...at,
    users,
    series,
    folder: bench.folder,
  })
  await delay(warmUpSeconds * 1000)
  const from = Date.now()
  const cpu = async (): Promise<Costs> => ({
    app: await cpuOf(engine.pid),
    broker: await cpuOf(bench.broker.pid),
    postgres: await postgresCpu(world?.tables.pool),
  })
  const before = await cpu()
  await delay(seconds * 1000)
  const after = await cpu()
  const cores = (micros: number): number => round(micros / (seconds * 1e6), 2)
  const costs = {
    app: cores(after.app - before.app),
    broker: cores(after.broker - before.broker),
    postgres: cores(after.postgres - before.postgres),
  }
  return { seen: await traffic.end(), costs, from }
}

function waitsOf(seen: readonly Seen[], costs: Costs, from: number): Waits {
  const waits = Float64Array.from(
    seen.filter(({ due }) => due >= from).map(({ due, at }) => at - due),
  ).sort()
  return {
    p50Ms: round(quantile(waits, 0.5)),
    p99Ms: round(quantile(waits, 0.99)),
    maxMs: round(waits.at(-1) ?? Number.NaN),
    appCores: costs.app,
    brokerCores: costs.broker,
    postgresCores: costs.postgres,
  }
}

/** Samples how far the rows of `transactions` are, so that it is known afterwards when each event was among them. */
function watchRows(world: World) {
  const samples = new Map<number, { readonly at: number; readonly next: number }[]>()
  let running = true
  const look = async (): Promise<void> => {
    const { rows } = await world.tables.pool.query<{ partition: number; next_offset: bigint }>({
      name: 'rows-of-transactions',
      text: "SELECT partition, next_offset FROM progress WHERE consumer = 'tables:transactions'",
    })
    const at = performance.timeOrigin + performance.now()
    for (const { partition, next_offset } of rows) {
      const known = samples.get(partition) ?? []
      const next = Number(next_offset)
      if (known.at(-1)?.next !== next) known.push({ at, next })
      samples.set(partition, known)
    }
  }
  const watching = (async () => {
    while (running) {
      await look()
      await delay(LOOK_EVERY_MS)
    }
  })()
  watching.catch(() => undefined)
  return {
    /** The same commands with the time at which their row was there. */
    async of(seen: readonly Seen[]): Promise<readonly Seen[]> {
      const last = new Map(seen.map(({ partition, offset }) => [partition, offset]))
      const isBehind = (): boolean =>
        [...last].some(
          ([partition, offset]) => (samples.get(partition)?.at(-1)?.next ?? 0) <= offset,
        )
      while (isBehind()) await Promise.race([delay(100), watching])
      running = false
      await watching
      const nth = new Map<number, number>()
      return seen.map((one) => {
        const known = samples.get(one.partition) ?? []
        let index = nth.get(one.partition) ?? 0
        while ((known[index]?.next ?? Infinity) <= one.offset) index++
        nth.set(one.partition, index)
        return { ...one, at: known[index]?.at ?? Number.NaN }
      })
    },
  }
}
