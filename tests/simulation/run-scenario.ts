/** Runs a scenario to its end, and judges what it left: by itself, and against a run to which nothing happened. */
import { isDeepStrictEqual } from 'node:util'
import type { LedgerCommand } from '../../schemas/types.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import {
  commandRecord,
  commandsPlace,
  newWorld,
  remainsOf,
  turn,
  turnsUntil,
  type World,
} from '../support/actor-world.ts'
import { COMMANDS_AT } from '../support/arbitrary-commands.ts'
import { Cluster } from '../support/faulty-cluster.ts'
import { startProcess, StepClock } from '../support/faulty-engine.ts'
import { anomaliesOf, openedHistory, type Remains } from '../support/history-judge.ts'
import { poisoned, withPoison } from '../support/poison.ts'
import type { Scenario } from './scenario.ts'

/** Everything that is wrong with a scenario, one line each; none when every promise was kept. */
export async function problemsOf(given: Scenario): Promise<readonly string[]> {
  const disturbed = await run(given)
  const anomalies = disturbed.flatMap((remains) => anomaliesOf(remains))
  if (anomalies.length > 0) return anomalies
  const reference = await run({ ...given, fates: [], logSeed: 0 })
  return disturbed.flatMap((remains, partition) =>
    isDeepStrictEqual(openedHistory(remains), openedHistory(reference[partition] as Remains))
      ? []
      : [`the history of partition ${partition} is not that of an undisturbed run`],
  )
}

/** What is left of every partition when all is answered and every zombie has ended. */
export async function run(given: Scenario): Promise<readonly Remains[]> {
  let logTime = COMMANDS_AT
  const bare = newWorld({ seed: given.logSeed, partitions: given.partitions, now: () => logTime })
  const world = { ...bare, keys: withPoison(bare.keys) }
  const clock = new StepClock()
  const fates = [...given.fates]
  const cluster = new Cluster({
    partitions: given.partitions,
    processes: given.processes,
    clock,
    start: (moved) => startProcess(world, given.settings, { clock, fates, moved }),
  })
  let isSent = false
  const setClock = (jumpMs: number): void => {
    logTime = COMMANDS_AT + jumpMs
  }
  const sent = send(world, given, setClock).then(() => {
    isSent = true
  })
  try {
    await turnsUntil(() => {
      if (!cluster.failed) cluster.tend()
      return cluster.failed || (isSent && isAnswered(world))
    })
  } finally {
    // Whoever is still held up goes on after all is done, and must change nothing.
    fates.length = 0
    await cluster.end()
  }
  await sent
  const partitions = Array.from({ length: given.partitions }, (_, partition) => partition)
  return Promise.all(partitions.map((partition) => remainsOf(world, partition)))
}

async function send(
  { log, keys }: World,
  { erased, sending, ...given }: Scenario,
  setClock: (jumpMs: number) => void,
): Promise<void> {
  const records = recordsOf(given)
  const producer = log.producer()
  const { records: portion, clockJumpsMs, pauseTurns } = sending
  for (let sendings = 0; sendings * portion < records.length; sendings++) {
    setClock(clockJumpsMs[sendings % clockJumpsMs.length] ?? 0)
    await producer.append(records.slice(sendings * portion, (sendings + 1) * portion))
    for (let turns = 0; turns < pauseTurns; turns++) await turn()
    if (erased?.afterSendings === sendings) keys.shred(erased.userId)
  }
}

function recordsOf({
  commands,
  garbageEvery,
  poisonEvery,
  partitions,
}: Pick<Scenario, 'commands' | 'garbageEvery' | 'poisonEvery' | 'partitions'>): NewRecord[] {
  const garbage = Buffer.from('not a command')
  return commands.flatMap((plain, n) => {
    const command: LedgerCommand = isNth(n, poisonEvery) ? poisoned(plain) : plain
    const record = commandRecord(command, partitions)
    return isNth(n, garbageEvery) ? [{ ...record, value: garbage }, record] : [record]
  })
}

function isNth(n: number, every: number): boolean {
  return every > 0 && n % every === 0
}

function isAnswered({ log }: World): boolean {
  for (let partition = 0; partition < log.partitions; partition++) {
    const place = { ...commandsPlace, partition }
    const last = log.committed(place).at(-1)
    if (last !== undefined && (log.groupOffset(place) ?? 0n) <= last.offset) return false
  }
  return true
}
