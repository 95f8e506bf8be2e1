/**
 * The stages of the engine one after the other in one process, so that CPU can be told apart by stage. The functions
 * are those that the loops call; what the loops do at the same time is done here in turn, so this is no throughput.
 */
import { availableParallelism } from 'node:os'
import { STATES_GENERATION } from '../actors/generation.ts'
import { LedgerHost, type Answered } from '../actors/host/host.ts'
import type { PreparedCommand } from '../actors/answer.ts'
import { masterKeyOf } from '../cli/secrets.ts'
import { keyring, type Keyring } from '../privacy/keyring.ts'
import { outcomeCodec } from '../schemas/codec.ts'
import { postgresCheckpointStore } from '../sink/postgres-checkpoint-store.ts'
import { postgresTableStore } from '../sink/postgres-table-store.ts'
import { Checkpointer, type ChangedState } from '../topology/checkpointer.ts'
import { decodeBatch } from '../topology/decode-batch.ts'
import { loadMissing } from '../topology/ledger-loader.ts'
import type { NewRecord } from '../topology/log/log.ts'
import { ACTOR_GROUP } from '../topology/run-actors.ts'
import {
  consumerOf,
  ledgerTables,
  outcomeTables,
  type TableReader,
} from '../topology/table-reader.ts'
import { WarmFold } from '../topology/warm-fold.ts'
import { append, freshDatabase, type BenchDatabase } from './database.ts'
import { runEngine } from './measured-run.ts'
import { round, type Report } from './report.ts'
import { StageClock } from './stage-clock.ts'
import { openAccounts, recordTransactions } from './workload.ts'

export async function stageCosts(
  { commands, users }: { readonly commands: number; readonly users: number },
  report: Report,
): Promise<void> {
  const database = await freshDatabase()
  try {
    const { config, log, pool } = database
    const workload = { commands, users, partitions: config.partitions }
    report.note('stages: opening accounts and preloading')
    await append(log, openAccounts(workload))
    await runEngine(database)
    await append(log, recordTransactions(workload))
    await pool.query('CHECKPOINT')
    const clock = new StageClock(pool)
    const keys = keyring(pool, masterKeyOf(config))
    for (let partition = 0; partition < config.partitions; partition++) {
      report.note(`stages: partition ${partition}`)
      await actorStages(database, partition, keys, clock)
      await tableStages('tables', ledgerTables, database, partition, keys, clock)
      await tableStages('outcomes', outcomeTables, database, partition, keys, clock)
    }
    printStages('engine', clock, commands, report)
  } finally {
    await database.close()
  }
}

export function printStages(
  engine: string,
  { costs }: StageClock,
  commands: number,
  report: Report,
): void {
  let cpu = 0
  for (const [stage, { wall, node, postgresql }] of costs) {
    cpu += node + postgresql
    report.line(`${engine}-stage`, {
      stage,
      nodeMicrosPerCommand: round(node / commands),
      postgresqlMicrosPerCommand: round(postgresql / commands),
      wallMicrosPerCommand: round(wall / commands),
    })
  }
  report.line(`${engine}-stage-total`, {
    cpuMicrosPerCommand: round(cpu / commands),
    commandsPerSecondAtMost: Math.round((availableParallelism() * commands * 1e6) / cpu),
  })
}

export async function actorStages(
  { config, url, log }: Pick<BenchDatabase, 'config' | 'url' | 'log'>,
  partition: number,
  keys: Keyring,
  clock: StageClock,
): Promise<void> {
  const place = { group: ACTOR_GROUP, topic: 'ledger.commands', partition } as const
  const limit = { records: config.batchRecords, bytes: config.batchBytes }
  const store = postgresCheckpointStore(url, 'actors', STATES_GENERATION)
  const lease = await log.acquire(place)
  const host = new LedgerHost(config.sharding)
  const checkpointer = new Checkpointer({
    partition,
    progress: await store.takeOver(partition, log.identity),
    store,
    keys,
    pace: { everyMs: Infinity, changedStates: config.checkpointStates, changedStatesMax: Infinity },
    now: () => performance.now(),
  })
  let position = lease.committed ?? 0n
  const cut = async (): Promise<void> => {
    checkpointer.cut(await log.end({ topic: 'ledger.events', partition }), position, undefined)
    await checkpointer.settled()
  }
  for (;;) {
    const slice = await clock.measure('actors: read', () => log.read(place, position, limit))
    if (slice.records.length === 0) break
    const { commands, deadLetters } = await clock.measure('actors: decode', () =>
      decodeBatch(slice.records, place, log.partitions, keys.operator),
    )
    await clock.measure('actors: load', () =>
      loadMissing(host, host.missing(commands), store, keys),
    )
    const answers = await clock.measure('actors: decide, seal, encode', () => host.decide(commands))
    const records = await clock.measure('actors: outcomes', () =>
      recordsOf(partition, commands, answers),
    )
    await clock.measure('actors: commit', () =>
      lease.commit([...records, ...deadLetters], slice.next),
    )
    position = slice.next
    // Its checkpoints are due by states alone.
    checkpointer.add(changesOf(commands, answers), 0)
    if (checkpointer.isDue) await clock.measure('actors: checkpoint', cut)
  }
  await clock.measure('actors: checkpoint', cut)
  host.stop()
  await lease.release()
  await store.close()
}

function recordsOf(
  partition: number,
  commands: readonly PreparedCommand[],
  answers: readonly Answered[],
): readonly NewRecord[] {
  return answers.flatMap(({ outcome, events }, index) => {
    const key = Buffer.from(commands[index]?.command.userId ?? '')
    return [
      ...events.map((value) => ({ topic: 'ledger.events' as const, partition, key, value })),
      {
        topic: 'ledger.outcomes' as const,
        partition,
        key,
        value: outcomeCodec.encode(outcome),
      },
    ]
  })
}

function changesOf(
  commands: readonly PreparedCommand[],
  answers: readonly Answered[],
): readonly ChangedState[] {
  return answers.flatMap(({ touched }, index) => {
    const userId = commands[index]?.command.userId ?? ''
    return touched.map((cell) => ({ userId, cell, held: cell.held }))
  })
}

export async function tableStages<Item>(
  label: string,
  reader: TableReader<Item>,
  { config, url, log }: BenchDatabase,
  partition: number,
  keys: Keyring,
  clock: StageClock,
): Promise<void> {
  const place = { topic: reader.topic, partition }
  const limit = { records: config.batchRecords, bytes: config.batchBytes }
  const store = postgresTableStore(url, label)
  const progress = await store.takeOver(reader.processors.map(consumerOf), partition, log.identity)
  const folds = reader.processors.map((processor) => new WarmFold(processor, store))
  let position = progress[0]?.offset ?? 0n
  for (;;) {
    const slice = await clock.measure(`${label}: read`, () => log.read(place, position, limit))
    if (slice.records.length === 0) break
    const items = await clock.measure(`${label}: decode, open`, () =>
      reader.open(slice.records, partition, keys),
    )
    const sources = slice.records.map(({ offset, value }, index) => ({
      item: items[index] as Item,
      partition,
      offset,
      value,
    }))
    const writes = await clock.measure(`${label}: fold`, () =>
      Promise.all(folds.map((fold) => fold.fold(sources))),
    )
    const last = items.at(-1)
    const moves = progress.map(({ consumer, epoch }) => ({
      consumer,
      epoch,
      from: position,
      to: slice.next,
      lastEventId: last === undefined ? undefined : reader.idOf(last),
    }))
    await clock.measure(`${label}: apply`, () => store.apply({ partition, moves, writes }))
    for (const [index, write] of writes.entries()) folds[index]?.applied(write)
    position = slice.next
  }
  await store.close()
}
