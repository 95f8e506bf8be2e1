/** Commands per second until every table is current too: PostgreSQL works on the same cores then. */
import { setTimeout as delay } from 'node:timers/promises'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { median, round, spread } from '../report.ts'
import { inWorld, type Bench } from './bench.ts'
import { committedOf, postgresCpu } from './consumption.ts'
import { startActors, startTables, type World } from './engine.ts'
import { cpuOf } from './process-cpu.ts'
import { loadCommands } from './traffic.ts'

export type TablesOptions = {
  readonly commands: number
  readonly users: number
  readonly runs: number
  readonly partitions: number
}

type Run = {
  readonly commandsPerSecond: number
  readonly actorMicros: number
  /** Of the role `tables` alone. */
  readonly nodeMicros: number
  /** For checkpoints and tables together. */
  readonly postgresMicros: number
  readonly correct: boolean
}

const LOOK_EVERY_MS = 250
const NOTE_EVERY_MS = 4000
const PATIENCE_MS = 180_000

export type TableCosts = { readonly nodeMicros: number; readonly postgresMicros: number }

/** CPU of actors and tables per command, undefined where a row was missing. */
export async function tablesCurrent(
  bench: Bench,
  options: TablesOptions,
): Promise<TableCosts | undefined> {
  const { report } = bench
  const runs: Run[] = []
  for (let run = 1; run <= options.runs; run++) {
    report.note(`tables, run ${run} of ${options.runs}: ${options.commands} commands`)
    runs.push(await inWorld(bench, options.partitions, (world) => measured(bench, world, options)))
  }
  const nodeMicros = median(runs.map((one) => one.nodeMicros))
  const postgresMicros = median(runs.map((one) => one.postgresMicros))
  const rates = runs.map(({ commandsPerSecond }) => Math.round(commandsPerSecond))
  report.line('kafka-tables-current', {
    commandsPerSecond: Math.round(median(rates)),
    runs: rates,
    spread: spread(rates),
    actorsNodeMicrosPerCommand: round(median(runs.map(({ actorMicros }) => actorMicros))),
    tablesNodeMicrosPerCommand: round(nodeMicros),
    postgresMicrosPerCommand: round(postgresMicros),
    commands: options.commands,
    correct: runs.every(({ correct }) => correct),
  })
  return runs.every(({ correct }) => correct) ? { nodeMicros, postgresMicros } : undefined
}

async function measured(bench: Bench, world: World, options: TablesOptions): Promise<Run> {
  const { commands, users } = options
  const total = commands + users
  const topic = world.topic('ledger.commands')
  await loadCommands(bench.java, { broker: world.broker, topic }, options, bench.report.note)
  const { pool } = world.tables
  const before = await postgresCpu(pool)
  const began = performance.now()
  const [actors, reader] = [await startActors(world), await startTables(world)]
  try {
    let noted = began
    let moved = { rows: 0, at: began }
    let over = false
    const ended = Promise.race([actors.ended, reader.ended]).finally(() => (over = true))
    ended.catch(() => undefined)
    for (let rows = 0; rows < commands;) {
      await delay(LOOK_EVERY_MS)
      // Accounts count their transactions, and are few.
      const found = await pool.query<{ rows: bigint }>(
        'SELECT coalesce(sum(transaction_count), 0)::bigint AS rows FROM accounts',
      )
      rows = Number(found.rows[0]?.rows ?? 0)
      if (over) throw new Error('the engine ended before it was done')
      if (rows > moved.rows) moved = { rows, at: performance.now() }
      if (performance.now() - moved.at > PATIENCE_MS) throw new Error(`no rows after ${rows}`)
      if (performance.now() - noted > NOTE_EVERY_MS) {
        noted = performance.now()
        const group = { id: `${world.prefix}${ACTOR_GROUP}`, topic }
        const decided = await committedOf(bench.admin, group)
        bench.report.note(`  ${decided} of ${total} decided, ${rows} in the tables`)
      }
    }
    const seconds = (performance.now() - began) / 1000
    const [actorCpu, nodeCpu] = [await cpuOf(actors.pid), await cpuOf(reader.pid)]
    const postgres = (await postgresCpu(pool)) - before
    const { rows } = await pool.query<{ count: bigint }>('SELECT count(*) FROM transactions')
    return {
      commandsPerSecond: commands / seconds,
      actorMicros: actorCpu / commands,
      nodeMicros: nodeCpu / commands,
      postgresMicros: postgres / commands,
      correct: Number(rows[0]?.count ?? 0) === commands,
    }
  } finally {
    await Promise.all([actors, reader].map((engine) => engine.kill('SIGTERM')))
  }
}
