import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { waitUntilProcessed } from '../../cli/wait-until-processed.ts'
import { seededRandom, type Random } from '../../connectors/demo/random.ts'
import { outcomeCodec } from '../../schemas/codec.ts'
import { embeddedPostgres } from '../../sink/postgres/embedded-postgres.ts'
import type { Log } from '../../topology/log/log.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { householdModel } from '../support/household-model.ts'
import { householdTraffic } from '../support/household-traffic.ts'
import { withDataFolder, type SaldoProcess } from '../support/saldo-process.ts'

/**
 * Goal: `kill -9` on the engine, twenty times while it works, loses nothing and doubles nothing.
 * Method: one process runs the engine, another sends the commands and counts the answers. When the answers reach a
 * seeded random number, and the engine that runs has answered something itself, it is killed and started again. Then
 * the log, the tables and `saldo verify` are held against a model that has only seen what was sent.
 * Replay a schedule with `SEED=<seed>`; a smaller run with `SALDO_KILL_COMMANDS=<number>`.
 */

const COMMANDS_FULL = 50_000
const COMMANDS = Number(process.env['SALDO_KILL_COMMANDS'] ?? COMMANDS_FULL)
const KILLS = 20
const LIMIT_MS = 400_000
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const scale = COMMANDS === COMMANDS_FULL ? '' : `, not the ${COMMANDS_FULL} of the full run`

describe('kill -9', () => {
  // Small batches and frequent checkpoints: more places to be killed at, and work left for every kill.
  const batch = String(Math.ceil(COMMANDS / 500))
  const folder = withDataFolder({
    SALDO_BATCH_RECORDS: batch,
    SALDO_CHECKPOINT_MS: '200',
    // Its own commands would be counted with those that are sent.
    SALDO_CLOCK: 'off',
  })

  test(
    `${KILLS} kills under ${COMMANDS} commands${scale} leave one answer per command and exact sums (SEED=${seed})`,
    async () => {
      const random = seededRandom(seed)
      const traffic = householdTraffic(COMMANDS, random)
      const file = join(folder.path, 'commands.jsonl')
      await writeFile(file, traffic.map((command) => `${JSON.stringify(command)}\n`).join(''))
      const model = householdModel()
      const expected = traffic.map((command) => ({
        commandId: command.commandId,
        verdict: model.answer(command),
      }))

      const up = () => folder.start(['up', '--no-demo'], { limitMs: LIMIT_MS })
      const engine = up()
      await engine.line(/Saldo is up/)
      const server = await embeddedPostgres({ dataDir: folder.path })
      const log = await openLog(server.url)
      const database = new pg.Pool({ connectionString: server.url, max: 1 })
      try {
        const answers: Answer[] = []
        const sender = folder.start(['send', file, '--wait'], { limitMs: LIMIT_MS })
        sender.onResult((line) => answers.push(JSON.parse(line) as Answer))
        const last = await killAgainAndAgain({
          engine,
          up,
          sender,
          answered: () => answers.length,
          decided: () => outcomesIn(database),
          random,
        })

        expect((await sender.ended).stderr).toContain(`${COMMANDS} commands sent and answered`)
        expect(byCommand(answers)).toEqual(byCommand(expected))
        await waitUntilProcessed(log, server.url, ACTOR_GROUP, new AbortController().signal)
        expect(await unanswered(log)).toEqual([])
        expect(await balancesIn(database)).toEqual(model.balances())
        expect((await last.kill('SIGINT')).code).toBe(0)

        const { code, stdout } = await folder.run(['verify', '--json'], { limitMs: LIMIT_MS })
        expect(JSON.parse(stdout)).toMatchObject({ outcomes: COMMANDS, differences: 0 })
        expect(code).toBe(0)
      } finally {
        await database.end()
        await log.close()
        await server.release()
      }
    },
    LIMIT_MS,
  )
})

type Answer = { readonly commandId: string; readonly verdict: string }

type Schedule = {
  readonly engine: SaldoProcess
  up(): SaldoProcess
  readonly sender: SaldoProcess
  /** Answers that the sender has printed. */
  answered(): number
  /** Outcomes that are in the log. */
  decided(): Promise<number>
  readonly random: Random
}

/** Each kill has its share of the answers and falls somewhere in it. Gives the engine that was not killed. */
async function killAgainAndAgain(schedule: Schedule): Promise<SaldoProcess> {
  const { up, sender, answered, decided, random } = schedule
  let engine = schedule.engine
  const share = Math.floor(COMMANDS / (KILLS + 1))
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await decided()
    const moment = Math.max(kill * share + random.whole(1, share), before + 1)
    await reached(sender, answered, moment)
    const { code } = await engine.kill('SIGKILL')
    expect(code).toBeNull()
    engine = up()
  }
  return engine
}

function reached(sender: SaldoProcess, answered: () => number, moment: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (answered() >= moment) resolve()
    }
    sender.onResult(look)
    look()
    sender.ended.then(({ stderr }) => {
      reject(new Error(`the sender ended after ${answered()} answers, before ${moment}: ${stderr}`))
    }, reject)
  })
}

/** The verdicts of every command id in the order of its sendings. */
function byCommand(answers: readonly Answer[]): ReadonlyMap<string, readonly string[]> {
  const verdicts = new Map<string, string[]>()
  for (const { commandId, verdict } of answers) {
    const known = verdicts.get(commandId)
    if (known === undefined) verdicts.set(commandId, [verdict])
    else known.push(verdict)
  }
  return verdicts
}

/** Only the embedded number of partitions: what `up` creates. */
async function openLog(url: string): Promise<Log> {
  return postgresLog({ url, partitions: 4, role: 'kill-test' })
}

/** Places of command records that have not exactly one outcome record. */
async function unanswered(log: Log): Promise<readonly string[]> {
  const wrong: string[] = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const commands = await log.end({ topic: 'ledger.commands', partition })
    const place = { topic: 'ledger.outcomes', partition } as const
    const counts = new Map<number, number>()
    const end = await log.end(place)
    for (let position = 0n; position < end;) {
      const slice = await log.read(place, position, { records: 5000, bytes: 4_000_000 })
      for (const { value } of slice.records) {
        const { commandPartition, commandOffset } = outcomeCodec.decode(value)
        if (commandPartition !== partition) wrong.push(`${commandPartition} in ${partition}`)
        const offset = Number(commandOffset)
        counts.set(offset, (counts.get(offset) ?? 0) + 1)
      }
      position = slice.next
    }
    // On PostgreSQL the offsets of a topic have no holes.
    for (let offset = 0; offset < Number(commands); offset++) {
      const count = counts.get(offset) ?? 0
      if (count !== 1) wrong.push(`${partition}:${offset} has ${count} outcomes`)
      counts.delete(offset)
    }
    for (const offset of counts.keys()) wrong.push(`${partition}:${offset} has no command`)
  }
  return wrong
}

async function outcomesIn(database: pg.Pool): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    'SELECT sum(next_offset)::int AS count FROM log_heads WHERE topic_id = 3',
  )
  return rows[0]?.count ?? 0
}

async function balancesIn(database: pg.Pool): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await database.query<{ account: string; minor: string }>(
    "SELECT user_id || ' ' || account_id AS account, balance_minor::text AS minor FROM accounts",
  )
  return new Map(rows.map(({ account, minor }) => [account, BigInt(minor)]))
}
