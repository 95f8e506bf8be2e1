import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { withDatabase } from '../support/postgres.ts'
import { withDataFolder, type SaldoProcess } from '../support/saldo-process.ts'

/**
 * Goal: several engines on one PostgreSQL share the partitions; one that dies, leaves or comes costs seconds, and every
 * command is answered once.
 * Method: `saldo up` in processes of their own on one DATABASE_URL, and a sender whose answers drive what happens next:
 * the test waits for the database to say who owns what, never for a time.
 */
const LIMIT_MS = 240_000
const PARTITIONS = 4
const GROUPS = 4
/** Of an engine with half of the partitions: three engines fit into the 100 of a server. */
const CONNECTIONS_MAX = 32

describe('several engines on one database', () => {
  const database = withDatabase('postgres')
  const folder = withDataFolder({
    SALDO_MASTER_KEY: randomBytes(32).toString('hex'),
    SALDO_CHECKPOINT_MS: '200',
    SALDO_BATCH_RECORDS: '50',
  })

  test(
    'one is killed, one leaves, one joins, and every command is answered once',
    async () => {
      const settings = { DATABASE_URL: database.url }
      const admin = new pg.Client(database.url)
      await admin.connect()
      const up = async (): Promise<SaldoProcess> => {
        const engine = folder.start(['up', '--no-demo'], { settings, limitMs: LIMIT_MS })
        await engine.line(/^Ctrl-C stops it/)
        return engine
      }
      try {
        const first = await up()
        await until(admin, owned([PARTITIONS]))
        const second = await up()
        await until(admin, owned([2, 2]))

        const sender = new Sender(
          folder.start(['send', '-', '--wait'], { settings, input: commands(), limitMs: LIMIT_MS }),
        )
        await sender.answered(200)
        expect(await connectionsOf(admin, first.pid)).toBeLessThanOrEqual(CONNECTIONS_MAX)
        expect((await second.kill('SIGKILL')).code).toBeNull()
        await until(admin, owned([PARTITIONS]))
        await sender.answered(600)

        const third = await up()
        await until(admin, owned([2, 2]))
        await sender.answered(1_000)
        expect((await first.kill('SIGTERM')).code).toBe(0)
        await until(admin, owned([PARTITIONS]))
        await sender.answered(1_400)

        const others = await Promise.all([up(), up()])
        await until(admin, owned([1, 1, 2]))
        expect((await sender.ended).code).toBe(0)
        expect(sender.commandIds.size).toBe(COMMANDS)
        expect(sender.answers).toBe(COMMANDS)
        for (const engine of [third, ...others]) expect((await engine.kill('SIGTERM')).code).toBe(0)

        const { code, stdout } = await folder.run(['verify', '--json'], { settings })
        expect(JSON.parse(stdout)).toMatchObject({
          ledgers: USERS,
          outcomes: COMMANDS,
          differences: 0,
        })
        expect(code).toBe(0)
      } finally {
        await admin.end()
      }
    },
    LIMIT_MS,
  )
})

const USERS = 20
const COMMANDS = 2_000

/** Every user opens an account, then all record transactions in turns. */
function commands(): string {
  return Array.from({ length: COMMANDS }, (_, n) => {
    const body =
      n < USERS
        ? { type: 'OpenAccount', accountId: 'a', kind: 'checking', currency: 'NOK' }
        : {
            type: 'RecordTransaction',
            transactionId: `t-${n}`,
            accountId: 'a',
            amount: '-1.00',
            currency: 'NOK',
          }
    return `${JSON.stringify({ userId: `user-${n % USERS}`, body })}\n`
  }).join('')
}

/** Counts the answers of a sender as they come. */
class Sender {
  readonly commandIds = new Set<string>()
  readonly ended: SaldoProcess['ended']
  answers = 0
  readonly #process: SaldoProcess

  constructor(process: SaldoProcess) {
    this.#process = process
    this.ended = process.ended
    process.onResult((line) => {
      const { commandId, verdict } = JSON.parse(line) as { commandId: string; verdict: string }
      expect(verdict).toBe('accepted')
      this.commandIds.add(commandId)
      this.answers++
    })
  }

  answered(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.answers >= count) resolve()
      }
      this.#process.onResult(look)
      look()
      this.ended.then(({ stderr }) => {
        reject(new Error(`the sender ended after ${this.answers} answers: ${stderr}`))
      }, reject)
    })
  }
}

/** True when in every group of readers the members own so many partitions each. */
function owned(shares: readonly number[]): string {
  return `SELECT (SELECT count(*) = ${GROUPS} AND bool_and(shares = '{${shares.join(',')}}') FROM (
            SELECT group_name, array_agg(n ORDER BY n) AS shares FROM (
              SELECT group_name, count(*)::int AS n FROM leases
              WHERE owner IS NOT NULL AND group_name <> 'saldo.clock' GROUP BY group_name, owner) AS members
            GROUP BY group_name) AS groups)
          AND (SELECT count(*) = 1 FROM leases WHERE owner IS NOT NULL AND group_name = 'saldo.clock') AS yes`
}

async function until(admin: pg.Client, sql: string): Promise<void> {
  while ((await admin.query<{ yes: boolean }>(sql)).rows[0]?.yes !== true)
    await admin.query('SELECT pg_sleep(0.1)')
}

async function connectionsOf(admin: pg.Client, pid: number): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE $1`,
    [`saldo:${pid}:%`],
  )
  return rows[0]?.n ?? 0
}
