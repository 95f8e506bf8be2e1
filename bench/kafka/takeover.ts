/**
 * `kill -9` with a long history behind it: how long the partitions wait for the first new event of their next owner,
 * beside Kafka Streams that has lost its local state. The time to notice the death is apart.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { median, round } from '../report.ts'
import { createTopic, inWorld, type Bench } from './bench.ts'
import { consumed } from './consumption.ts'
import { startActors, type World } from './engine.ts'
import { peerBest, startPeer } from './peer.ts'
import { loadCommands, startSteady, type Seen, type SteadyTraffic } from './traffic.ts'

export type TakeoverOptions = {
  readonly history: number
  readonly users: number
  readonly runs: number
  readonly partitions: number
  /** Commands per second meanwhile, so that there is something to decide everywhere. */
  readonly rate: number
}

/** Seconds. */
type Takeover = {
  /** From the kill to the first partition that has a new owner: the start of its process is in it. */
  readonly noticed: number
  /** From there to the first new event of the last partition. */
  readonly takenOver: number
}

const LOOK_EVERY_MS = 5
/** Under way, with something behind the last checkpoint. */
const BEFORE_KILL_MS = 4000
const AFTER_MS = 1000

export async function takeover(bench: Bench, options: TakeoverOptions): Promise<void> {
  const { report } = bench
  const { history, users, partitions, runs } = options
  await inWorld(bench, partitions, async (world) => {
    const commands = { commands: history - users, users }
    report.note(`take-over: loading ${history} commands of ${users} ledgers`)
    const to = { broker: world.broker, topic: world.topic('ledger.commands') }
    await loadCommands(bench.java, to, commands, report.note)
    const own: Takeover[] = []
    const peers: (Takeover & { readonly restored: number })[] = []
    report.note('take-over: saldo makes its history')
    await makeHistory(bench, world, history)
    for (let run = 1; run <= runs; run++) {
      report.note(`take-over, run ${run} of ${runs}: kill -9 of saldo`)
      own.push(await ours(bench, world, options))
      report.note(`  ${JSON.stringify(own.at(-1))}`)
    }
    report.note('take-over: streams makes its history')
    for (let run = 1; run <= runs; run++) {
      report.note(`take-over, run ${run} of ${runs}: kill -9 of streams`)
      peers.push(await theirs(bench, world, options))
      report.note(`  ${JSON.stringify(peers.at(-1))}`)
    }
    print(bench, own, peers)
  })
}

async function makeHistory(bench: Bench, world: World, total: number): Promise<void> {
  const engine = await startActors(world)
  try {
    await consumed(
      bench.admin,
      {
        id: `${world.prefix}${ACTOR_GROUP}`,
        topic: world.topic('ledger.commands'),
        total,
        pids: [engine.pid],
        brokerPid: bench.broker.pid,
        pool: world.tables.pool,
        ended: engine.ended,
      },
      bench.report.note,
    )
  } finally {
    await engine.kill('SIGTERM')
  }
}

async function ours(bench: Bench, world: World, options: TakeoverOptions): Promise<Takeover> {
  const at = { commands: world.topic('ledger.commands'), events: world.topic('ledger.events') }
  const first = await startActors(world)
  const traffic = await trafficAt(bench, at, options)
  await delay(BEFORE_KILL_MS)
  const epochs = await leaseEpochs(world)
  const killedAt = Date.now()
  await first.kill('SIGKILL')
  const second = await startActors(world)
  try {
    const owned = await newOwners(world, epochs)
    await delay(AFTER_MS)
    return takeoverOf(await traffic.end(), { killedAt, ...owned })
  } finally {
    await second.kill('SIGTERM')
  }
}

/** Streams begins each run anew: what it restores is its changelog, all of it. */
async function theirs(
  bench: Bench,
  world: World,
  options: TakeoverOptions,
): Promise<Takeover & { readonly restored: number }> {
  const applicationId = bench.nextName()
  const events = `${applicationId}.events`
  await createTopic(bench, events, options.partitions)
  const commands = world.topic('ledger.commands')
  const { java, broker, folder, admin, report } = bench
  const at = { broker: broker.address, folder, applicationId, commands, events }
  const start = () => startPeer(java, { ...at, configuration: peerBest })
  const first = await start()
  const ends = await admin.fetchTopicOffsets(commands)
  const total = ends.reduce((sum, { offset }) => sum + Number(offset), 0)
  const group = { id: applicationId, topic: commands, total, pids: [first.pid] }
  const brokerPid = broker.pid
  await consumed(
    admin,
    { ...group, brokerPid, pool: undefined, ended: first.child.ended },
    report.note,
  )
  const traffic = await trafficAt(bench, { commands, events }, options)
  await delay(BEFORE_KILL_MS)
  const killedAt = Date.now()
  await first.kill()
  report.note('  streams restores its changelog')
  const second = await start()
  try {
    const restores = second.child.lines().filter((line) => line.includes(' RESTORING '))
    const restored = restores.reduce((sum, line) => sum + Number(line.split(' ')[4]), 0)
    const firstOwned = Math.min(...restores.map((line) => Number(line.split(' ')[0])))
    await delay(AFTER_MS)
    const seen = await traffic.end()
    return { ...takeoverOf(seen, { killedAt, firstOwned }), restored }
  } finally {
    await second.stop()
  }
}

function trafficAt(
  bench: Bench,
  at: { readonly commands: string; readonly events: string },
  { rate, users }: TakeoverOptions,
): Promise<SteadyTraffic> {
  const { java, broker, folder } = bench
  const series = bench.nextName()
  return startSteady(java, { broker: broker.address, ...at, rate, users, series, folder })
}

function takeoverOf(
  seen: readonly Seen[],
  at: { readonly killedAt: number; readonly firstOwned: number },
): Takeover {
  // What the dead owner had committed is seen a moment after its death; the next owner comes later than that.
  const alive = new Map<number, number>()
  for (const { partition, at: seenAt } of seen) {
    if (seenAt > at.firstOwned && !alive.has(partition)) alive.set(partition, seenAt)
  }
  return {
    noticed: round((at.firstOwned - at.killedAt) / 1000, 2),
    takenOver: round((Math.max(...alive.values()) - at.firstOwned) / 1000, 2),
  }
}

async function newOwners(
  world: World,
  before: ReadonlyMap<number, bigint>,
): Promise<{ readonly firstOwned: number }> {
  for (;;) {
    const now = await leaseEpochs(world)
    const changed = [...now].some(([partition, epoch]) => epoch > (before.get(partition) ?? 0n))
    if (changed) return { firstOwned: Date.now() }
    await delay(LOOK_EVERY_MS)
  }
}

async function leaseEpochs({ tables }: World): Promise<ReadonlyMap<number, bigint>> {
  const { rows } = await tables.pool.query<{ partition: number; epoch: bigint }>({
    name: 'lease-epochs',
    text: 'SELECT partition, epoch FROM leases WHERE group_name = $1',
    values: [ACTOR_GROUP],
  })
  return new Map(rows.map(({ partition, epoch }) => [partition, epoch]))
}

function print(
  { report }: Bench,
  own: readonly Takeover[],
  peers: readonly (Takeover & { readonly restored: number })[],
): void {
  const line = (engine: string, runs: readonly Takeover[], more: object): void => {
    report.line('kafka-takeover', {
      engine,
      secondsToNotice: round(median(runs.map(({ noticed }) => noticed)), 2),
      secondsToFirstEventOfLastPartition: round(median(runs.map(({ takenOver }) => takenOver)), 2),
      runs: runs.map(({ takenOver }) => takenOver),
      ...more,
    })
  }
  line('saldo', own, {})
  line(peerBest.name, peers, { recordsRestored: peers.map(({ restored }) => restored) })
  const of = (runs: readonly Takeover[]): number => median(runs.map(({ takenOver }) => takenOver))
  report.line('kafka-takeover-ratio', { ratio: round(of(own) / of(peers), 3) })
}
