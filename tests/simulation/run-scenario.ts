/** Runs a scenario to its end, and judges what it left: by itself, and against a run to which nothing happened. */
import { isDeepStrictEqual } from 'node:util'
import {
  commandsPlace,
  newWorld,
  remainsOf,
  turnsUntil,
  type World,
} from '../support/actor-world.ts'
import { COMMANDS_AT } from '../support/arbitrary-commands.ts'
import { Cluster } from '../support/faulty-cluster.ts'
import { startProcess, StepClock, type SharedWorld } from '../support/faulty-engine.ts'
import {
  anomaliesOf,
  decidedHistory,
  openedHistory,
  type Remains,
} from '../support/history-judge.ts'
import { operatorsOf, type Operators } from '../support/operator.ts'
import { withPoison } from '../support/poison.ts'
import { Marks, newestReader, storeAs } from '../support/release.ts'
import type { Scenario } from './scenario.ts'
import { sendAll, users } from './sending.ts'

/** Everything that is wrong with a scenario, one line each; none when every promise was kept. */
export async function problemsOf(given: Scenario): Promise<readonly string[]> {
  const disturbed = await run(given)
  const anomalies = disturbed.flatMap((remains) => anomaliesOf(remains))
  if (anomalies.length > 0) return anomalies
  const reference = await run(undisturbed(given))
  // How far a parked ledger is when something comes is nobody's promise: only what is decided, and in which order.
  const historyOf = given.operating === null ? openedHistory : decidedHistory
  return disturbed.flatMap((remains, partition) =>
    isDeepStrictEqual(historyOf(remains), historyOf(reference[partition] as Remains))
      ? []
      : [`the history of partition ${partition} is not that of an undisturbed run`],
  )
}

function undisturbed(given: Scenario): Scenario {
  const { operating, releases } = given
  return {
    ...given,
    fates: [],
    logSeed: 0,
    releases: { ...releases, rollouts: [] },
    operating: operating === null ? null : { ...operating, killedAtCalls: [], rivals: 1 },
  }
}

/** What is left of every partition when all is answered and every zombie has ended. */
export async function run(given: Scenario): Promise<readonly Remains[]> {
  const { partitions, processes, settings, releases } = given
  let logTime = COMMANDS_AT
  const now = (): number => logTime
  const marks = new Marks()
  const bare = newWorld({ seed: given.logSeed, partitions, now })
  const world: SharedWorld = { ...bare, keys: withPoison(bare.keys), marks }
  const clock = new StepClock()
  const fates = [...given.fates]
  const cluster = new Cluster({
    partitions,
    processes,
    clock,
    ...releases,
    start: (moved, release) => startProcess(world, settings, { clock, fates, moved, release }),
    mayRefuse: (release, partition, error) => marks.justify(release, partition, error),
  })
  const operators = given.operating
    ? operatorsOf(world, users, given.operating, { tick: () => clock.tick(), now })
    : undefined
  let isOver = false
  const jump = (jumpMs: number): void => {
    // What is sent again is decided at another time, and then time must make no difference.
    if (operators === undefined) logTime = COMMANDS_AT + jumpMs
  }
  const all = sendAndUnpark(world, given, { jump, now }, operators).finally(() => {
    isOver = true
  })
  // Heard of below.
  all.catch(() => undefined)
  try {
    await turnsUntil(() => {
      if (!cluster.failed) cluster.tend()
      return cluster.failed || (isOver && isAnswered(world))
    })
  } finally {
    operators?.stop()
    // Whoever is still held up goes on after all is done, and must change nothing.
    fates.length = 0
    await cluster.end()
  }
  await all
  return Promise.all(Array.from({ length: partitions }, (_, one) => left(world, one)))
}

async function sendAndUnpark(
  world: SharedWorld,
  given: Scenario,
  clock: { readonly jump: (ms: number) => void; readonly now: () => number },
  operators: Operators | undefined,
): Promise<void> {
  const passes: Promise<boolean>[] = []
  await sendAll(world, given, clock, (sendings) => {
    if (operators === undefined || given.operating?.afterSendings !== sendings) return
    for (let rival = 0; rival < given.operating.rivals; rival++) passes.push(operators.pass())
  })
  if (operators === undefined) return
  await Promise.all(passes)
  await turnsUntil(() => isAnswered(world))
  let isDone = false
  while (!isDone) isDone = await operators.pass()
}

/** As the newest release that was there reads it. */
function left(world: SharedWorld, partition: number): Promise<Remains> {
  const { log, store, keys, marks } = world
  const newest = {
    generation: marks.generationOf(partition),
    readsNext: true,
    writesNext: 'nothing',
  } as const
  const read: World = {
    log: { ...log, ...newestReader(log) },
    store: storeAs(newest, store, keys, marks),
    keys,
  }
  return remainsOf(read, partition)
}

function isAnswered({ log }: World): boolean {
  for (let partition = 0; partition < log.partitions; partition++) {
    const place = { ...commandsPlace, partition }
    const last = log.committed(place).at(-1)
    if (last !== undefined && (log.groupOffset(place) ?? 0n) <= last.offset) return false
  }
  return true
}
