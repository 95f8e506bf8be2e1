import { expect, test } from 'vitest'
import { developmentToken } from '../../api/token.ts'
import { waitUntilProcessed } from '../../cli/wait-until-processed.ts'
import { producer } from '../../connectors/producer.ts'
import { kafkaLog } from '../../topology/log/kafka-log.ts'
import type { Log } from '../../topology/log/log.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { place } from '../contracts/log-records.ts'
import { describeKafka } from '../support/kafka.ts'
import { withDatabase } from '../support/postgres.ts'
import { withDataFolder, type SaldoProcess } from '../support/saldo-process.ts'

const LIMIT_MS = 180_000
const PARTITIONS = 2
const USERS = ['user-1', 'user-2', 'user-3', 'user-4']
const SPENT = 150
const SECRET = 's'.repeat(32)
const never = new AbortController().signal

/** Opens an account for each user and spends from it, 1.00 at a time. */
function commandLines(): string {
  const bodies = (n: number): object =>
    n === 0
      ? { type: 'OpenAccount', accountId: 'main', kind: 'checking', currency: 'NOK' }
      : {
          type: 'RecordTransaction',
          transactionId: `t-${n}`,
          accountId: 'main',
          amount: '-1.00',
          currency: 'NOK',
          description: 'REMA 1000 OSLO',
        }
  return Array.from({ length: SPENT + 1 }, (_, n) =>
    USERS.map((userId) => JSON.stringify({ userId, body: bodies(n) })),
  )
    .flat()
    .join('\n')
}

/** Resolves as soon as a command is answered. */
async function firstAnswer(log: Log): Promise<void> {
  const found = new AbortController()
  const answerIn = async (partition: number): Promise<void> => {
    const at = place('ledger.outcomes', partition)
    while (!found.signal.aborted && (await log.end(at)) === 0n) {
      await log.arrival(at, 0n, found.signal)
    }
    found.abort()
  }
  await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => answerIn(partition)))
}

describeKafka('saldo up', (kafka) => {
  const database = withDatabase('postgres')
  // The clock would tell every ledger that a day has passed, sooner or later.
  const folder = withDataFolder({
    SALDO_BATCH_RECORDS: '10',
    SALDO_CLOCK: 'off',
    SALDO_JWT_SECRET: SECRET,
  })

  const settings = () => ({
    DATABASE_URL: database.url,
    KAFKA_BROKERS: kafka.broker.address,
    SALDO_KAFKA_PREFIX: kafka.prefix,
    SALDO_PARTITIONS: String(PARTITIONS),
  })
  const upAt = async (): Promise<SaldoProcess> => {
    const engine = folder.start(['up', '--no-demo'], { settings: settings(), limitMs: LIMIT_MS })
    await engine.line(/^Ctrl-C stops it/)
    return engine
  }
  const openLog = () =>
    kafkaLog({ brokers: [kafka.broker.address], prefix: kafka.prefix, role: 'test' })

  async function balanceOf(engine: SaldoProcess, userId: string): Promise<unknown> {
    const [url] = /http:\S+\/v1\/accounts/.exec(await engine.line(/API/)) ?? ['']
    const token = await developmentToken({
      userId,
      secret: SECRET,
      expiresIn: '1h',
      operator: false,
      audience: 'saldo',
    })
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    return (await response.json()) as unknown
  }

  test(
    'that is killed in the middle goes on where it was, and everything adds up',
    async () => {
      const first = await upAt()
      const log = await openLog()
      const sent = folder.run(['send'], { settings: settings(), input: commandLines() })
      await firstAnswer(log)
      expect((await first.kill('SIGKILL')).code).toBeNull()
      expect(await sent).toMatchObject({ code: 0, stderr: '604 commands sent' })

      const second = await upAt()
      expect(await second.line(/^ {2}log/)).toContain(`Kafka at ${kafka.broker.address}`)
      // A program of its own, which knows neither the database nor how many partitions there are.
      const { address } = kafka.broker
      const commands = await producer({ kafka: { brokers: [address], prefix: kafka.prefix } })
      const body = { type: 'CloseAccount', accountId: 'nowhere' } as const
      await commands.send({ userId: 'user-1', body })
      await commands.close()
      await waitUntilProcessed(log, database.url, ACTOR_GROUP, never)
      await log.close()

      for (const userId of USERS) {
        const accounts = [{ accountId: 'main', balance: `-${SPENT}.00` }]
        expect(await balanceOf(second, userId)).toMatchObject({ accounts })
      }
      const verdict = await folder.run(['verify', '--json'], { settings: settings() })
      expect(JSON.parse(verdict.stdout)).toEqual({
        ledgers: 4,
        events: 604,
        outcomes: 605,
        differences: 0,
      })
      expect((await second.kill('SIGTERM')).code).toBe(0)
    },
    LIMIT_MS,
  )

  test('without brokers that answer says so in a sentence and ends with 3', async () => {
    const nowhere = { ...settings(), KAFKA_BROKERS: '127.0.0.1:1' }
    const { code, stderr } = await folder.run(['send'], { settings: nowhere })
    const sentence = stderr.split('\n').filter((line) => line.startsWith('saldo: '))
    expect(sentence).toEqual([expect.stringMatching(/127\.0\.0\.1:1.*\(SALDO_LOG_UNAVAILABLE\)$/)])
    expect(stderr).not.toMatch(/^ +at /m)
    expect(code).toBe(3)
  })
})
