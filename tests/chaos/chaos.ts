/**
 * Real engines on real servers, and one fault after the other while they work. Then the log, the tables and
 * `saldo verify` are held against a model that has only seen what was sent.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntilProcessed } from '../../cli/wait-until-processed.ts'
import { seededRandom, type Random } from '../../connectors/demo/random.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { householdTraffic } from '../support/household-traffic.ts'
import type { Fault } from './faults/fault.ts'
import { judge, type Judgement } from './judge.ts'
import { sender, type Sender } from './sender.ts'
import { watchOutcomes, type Watch } from './watch.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

export type ChaosOptions = Omit<WorldOptions, 'random'> & {
  readonly commands: number
  readonly seed: number
  /** The kinds of faults, as the result lists them. */
  readonly kinds: readonly Fault[]
  /** What strikes, in its order. */
  readonly draw: (random: Random) => readonly Fault[]
  /** Of all commands one user sends this share. */
  readonly hot?: number
  /** After so long no more faults are drawn and no more commands sent: what happened until then is judged. */
  readonly minutes?: number
  /** Leave the data for a look even where nothing is wrong. */
  readonly keep: boolean
  readonly note: (line: string) => void
}

export type ChaosResult = Judgement & {
  readonly commands: number
  readonly seed: number
  readonly seconds: number
  readonly postgresql: string
  readonly faults: readonly Struck[]
  /** What the processes did that they must not. */
  readonly problems: readonly string[]
  /** Where the data are, when they were kept. */
  readonly folder: string | undefined
}

/** How often a kind struck; or why it did not. */
export type Struck = {
  readonly name: string
  readonly times: number
  readonly missing?: string
  /** Milliseconds from each injection to the first new outcome of the last partition with work. */
  readonly recoveries: readonly number[]
}

type Strike = {
  readonly fault: Fault
  readonly times: number
  readonly recoveries: readonly number[]
}

const LOOK_MS = 50
const TRICKLE = 5
const TRICKLE_EVERY_MS = 100
/** Nothing answered for so long, and there is work: the run is over, and wrong. A machine with other work may be slow. */
const STUCK_MS = 300_000

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { commands, seed, note, kinds } = options
  const random = seededRandom(seed)
  const traffic = householdTraffic(commands, random, options.hot)
  const world = await openWorld({ ...options, random })
  const watch = watchOutcomes(world.log)
  const started = performance.now()
  let keep = true
  try {
    note(`data in ${world.folder}`)
    const [server] = await world.query('SHOW server_version')
    const sending = sender(world.log, traffic)
    await world.start()
    // From here on a run without answers is stuck: starts on a busy machine take their time.
    await inTime(world, world.up(), 'not every process is up')
    const missing = new Map(kinds.map((fault) => [fault, fault.missing(world)]))
    const drawn = options.draw(random).filter((fault) => missing.get(fault) === undefined)
    const struck = await strikeAll(world, watch, drawn, sending, options)
    if (struck.length === drawn.length) await sending.sendUpTo(commands)
    await answered(world, watch, sending.count())
    const patience = AbortSignal.timeout(STUCK_MS)
    await waitUntilProcessed(world.log, world.url, ACTOR_GROUP, patience)
    if (patience.aborted) world.problems.push('the tables did not catch up')
    await world.drain()
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
      faults: kinds.map((fault) => counted(fault, struck, missing.get(fault))),
      problems,
      folder: keep ? world.folder : undefined,
    }
  } finally {
    await watch.stop()
    await world.close({ keep })
  }
}

function counted(fault: Fault, struck: readonly Strike[], missing: string | undefined): Struck {
  const own = struck.filter((one) => one.fault === fault)
  return {
    name: fault.name,
    times: own.reduce((sum, { times }) => sum + times, 0),
    recoveries: own.flatMap(({ recoveries }) => recoveries),
    ...(missing === undefined ? {} : { missing }),
  }
}

/** Each fault has its share of the commands that are left, and strikes when the answers reach somewhere in it. Gives those that struck. */
async function strikeAll(
  world: World,
  watch: Watch,
  drawn: readonly Fault[],
  sending: Sender,
  { commands, minutes = Infinity, note }: ChaosOptions,
): Promise<readonly Strike[]> {
  const until = performance.now() + minutes * 60_000
  const strikes: Strike[] = []
  for (const [index, fault] of drawn.entries()) {
    if (performance.now() > until) return strikes
    const from = sending.count()
    const share = Math.floor((commands - from) / (drawn.length - index + 1))
    const sent = sending.sendUpTo(from + share)
    sent.catch(() => undefined)
    // A fault that lasted may have used up the shares of those behind it.
    await answered(world, watch, Math.min(from + world.random.whole(1, share), commands))
    const before = performance.now()
    const injected: Promise<number | undefined>[] = []
    const struck = fault.strike(world, () => void injected.push(watch.recovery(sending)))
    await trickle(sending, sent, struck)
    const ms = Math.round(performance.now() - before)
    const late = 'no new answer in a partition with work'
    const measured = await inTime(world, Promise.all(injected), late)
    const recoveries = measured.filter((one) => one !== undefined)
    strikes.push({ fault, times: injected.length, recoveries })
    const said = `${await struck} (${ms} ms)`
    const again = recoveries.map((one) => `${one} ms`).join(', ')
    note(`${index + 1}/${drawn.length} ${fault.name}: ${said}; answers again after ${again || '-'}`)
  }
  return strikes
}

/** Rejects when nothing came of it in time. */
async function inTime<Done>(world: World, work: Promise<Done>, late: string): Promise<Done> {
  const patience = new AbortController()
  const { signal } = patience
  const tooLong = delay(STUCK_MS, undefined, { signal }).then(() => {
    throw stuck(world, `${late} for ${STUCK_MS / 1000} s`)
  })
  tooLong.catch(() => undefined)
  try {
    return await Promise.race([work, tooLong])
  } finally {
    patience.abort()
  }
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
async function answered(world: World, watch: Watch, goal: number): Promise<void> {
  let last = -1
  let movedAt = performance.now()
  for (;;) {
    world.stop.throwIfAborted()
    const count = watch.count()
    if (count >= goal) return
    if (count !== last) movedAt = performance.now()
    last = count
    if (performance.now() - movedAt > STUCK_MS) {
      throw stuck(world, `stuck at ${count} of ${goal} answers for ${STUCK_MS / 1000} s`)
    }
    await delay(LOOK_MS)
  }
}

function stuck({ problems, folder }: World, sentence: string): Error {
  return new Error([sentence, ...problems, `the data are kept in ${folder}`].join('; '))
}
