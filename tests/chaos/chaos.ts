/**
 * Real engines on a real PostgreSQL, and one fault after the other while they work. Then the log, the tables and
 * `saldo verify` are held against a model that has only seen what was sent.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntilProcessed } from '../../cli/wait-until-processed.ts'
import { seededRandom } from '../../connectors/demo/random.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { householdTraffic } from '../support/household-traffic.ts'
import { allFaults, schedule } from './faults/all.ts'
import type { Fault } from './faults/fault.ts'
import { judge, type Judgement } from './judge.ts'
import { sender, type Sender } from './sender.ts'
import { openWorld, type World } from './world.ts'

export type ChaosOptions = {
  readonly commands: number
  readonly faults: number
  readonly seed: number
  /** After so long no more faults are drawn and no more commands sent: what happened until then is judged. */
  readonly minutes?: number
  readonly isShort: boolean
  readonly databaseUrl: string | undefined
  /** Leave the data for a look even where nothing is wrong. */
  readonly keep: boolean
  readonly parent?: string
  readonly stop: AbortSignal
  readonly note: (line: string) => void
}

export type ChaosResult = Judgement & {
  readonly commands: number
  readonly seed: number
  readonly seconds: number
  readonly postgresql: string
  /** How often each kind struck; or why it did not. */
  readonly faults: readonly {
    readonly name: string
    readonly times: number
    readonly missing?: string
  }[]
  /** What the processes did that they must not. */
  readonly problems: readonly string[]
  /** Where the data are, when they were kept. */
  readonly folder: string | undefined
}

const ENGINES = 2
const LOOK_MS = 50
const TRICKLE = 5
const TRICKLE_EVERY_MS = 100
/** Nothing answered for so long, and there is work: the run is over, and wrong. */
const STUCK_MS = 120_000

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { commands, seed, note } = options
  const random = seededRandom(seed)
  const traffic = householdTraffic(commands, random)
  const world = await openWorld({ ...options, engines: ENGINES, random })
  const started = performance.now()
  let keep = true
  try {
    note(`data in ${world.folder}`)
    const [server] = await world.query('SHOW server_version')
    const sending = sender(world.log, traffic)
    await Promise.all(world.engines.map((one) => one.start()))
    const missing = new Map(allFaults.map((fault) => [fault, fault.missing(world)]))
    const drawn = schedule(options.faults, random, options.isShort ? 'once' : 'share').filter(
      (fault) => missing.get(fault) === undefined,
    )
    const struck = await strikeAll(world, drawn, sending, options)
    if (struck.length === drawn.length) await sending.sendUpTo(commands)
    await answered(world, sending.count())
    const patience = AbortSignal.timeout(STUCK_MS)
    await waitUntilProcessed(world.log, world.url, ACTOR_GROUP, patience)
    if (patience.aborted) world.problems.push('the tables did not catch up')
    await Promise.all(world.engines.map((one) => one.drain()))
    note('judging')
    const judgement = await judge(world, sending)
    const { problems } = world
    const isClean = problems.length === 0 && judgement.findings.length === 0
    keep = options.keep || !isClean
    return {
      ...judgement,
      commands: sending.count(),
      seed,
      seconds: Math.round((performance.now() - started) / 1000),
      postgresql: String(server?.['server_version']),
      faults: allFaults.map((fault) => counted(fault, struck, missing.get(fault))),
      problems,
      folder: keep ? world.folder : undefined,
    }
  } finally {
    await world.close({ keep })
  }
}

function counted(
  fault: Fault,
  struck: readonly Fault[],
  missing: string | undefined,
): ChaosResult['faults'][number] {
  const times = struck.filter((one) => one === fault).length
  return { name: fault.name, times, ...(missing === undefined ? {} : { missing }) }
}

/** Each fault has its share of the commands that are left, and strikes when the answers reach somewhere in it. Gives those that struck. */
async function strikeAll(
  world: World,
  drawn: readonly Fault[],
  sending: Sender,
  { commands, minutes = Infinity, note }: ChaosOptions,
): Promise<readonly Fault[]> {
  const until = performance.now() + minutes * 60_000
  for (const [index, fault] of drawn.entries()) {
    if (performance.now() > until) return drawn.slice(0, index)
    const from = sending.count()
    const share = Math.floor((commands - from) / (drawn.length - index + 1))
    const sent = sending.sendUpTo(from + share)
    sent.catch(() => undefined)
    // A fault that lasted may have used up the shares of those behind it.
    await answered(world, Math.min(from + world.random.whole(1, share), commands))
    const before = performance.now()
    const struck = fault.strike(world)
    await trickle(sending, sent, struck)
    const ms = Math.round(performance.now() - before)
    note(`${index + 1}/${drawn.length} ${fault.name}: ${await struck} (${ms} ms)`)
  }
  return drawn
}

/** A fault that waits for an engine to do something finds it at work, and one that lasts leaves work for the next. */
async function trickle(
  sending: Sender,
  sent: Promise<void>,
  struck: Promise<unknown>,
): Promise<void> {
  let isOver = false
  const over = struck.finally(() => {
    isOver = true
  })
  over.catch(() => undefined)
  await sent
  while (!isOver) {
    await sending.sendUpTo(sending.count() + TRICKLE)
    await Promise.race([over, delay(TRICKLE_EVERY_MS)])
  }
  await over
}

/** Resolves when so many commands have an outcome. */
async function answered(world: World, goal: number): Promise<void> {
  let last = -1
  let movedAt = performance.now()
  for (;;) {
    world.stop.throwIfAborted()
    const count = await outcomesIn(world).catch(() => last)
    if (count >= goal) return
    if (count !== last) movedAt = performance.now()
    last = count
    if (performance.now() - movedAt > STUCK_MS) {
      const sentences = [
        `stuck at ${count} of ${goal} answers for ${STUCK_MS / 1000} s`,
        ...world.problems,
        `the data are kept in ${world.folder}`,
      ]
      throw new Error(sentences.join('; '))
    }
    await delay(LOOK_MS)
  }
}

async function outcomesIn({ log }: World): Promise<number> {
  let sum = 0
  for (let partition = 0; partition < log.partitions; partition++) {
    sum += Number(await log.end({ topic: 'ledger.outcomes', partition }))
  }
  return sum
}
