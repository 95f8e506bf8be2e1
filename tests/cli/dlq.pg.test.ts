/** The verbs of the operator as processes, on a database where an engine with a fault of ours has worked. */
import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { keyring } from '../../privacy/keyring.ts'
import type { LedgerCommand } from '../../schemas/types.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { STATES_GENERATION } from '../../actors/generation.ts'
import { postgresCheckpointStore } from '../../sink/postgres-checkpoint-store.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { runActors } from '../../topology/run-actors.ts'
import { commandRecord } from '../support/actor-world.ts'
import { created, groceries, opened, recorded } from '../support/example-commands.ts'
import { wish } from '../support/actor-run.ts'
import { withPoison } from '../support/poison.ts'
import { withDatabase } from '../support/postgres.ts'
import { startSaldo, type Ended } from '../support/saldo-process.ts'

const masterKey = randomBytes(32)

/** An engine of one partition that fails on what is poisoned, until it has answered all of it. */
async function decidePoisoned(url: string, records: readonly NewRecord[]): Promise<void> {
  const log = await postgresLog({ url, partitions: 1, role: 'test' })
  const pool = openPool(url, { role: 'test-keys', max: 2 })
  const store = postgresCheckpointStore(url, 'test', STATES_GENERATION)
  const stop = new AbortController()
  let left = records.length
  try {
    await log.producer().append(records)
    await runActors(
      0,
      {
        log,
        store,
        keys: withPoison(keyring(pool, masterKey)),
        sharding: 8,
        limit: { records: 100, bytes: 1 << 20 },
        pace: { everyMs: 50, changedStates: 100, changedStatesMax: 1_000 },
        cellsMax: 1_000,
        now: () => performance.now(),
        observe: {
          state: () => undefined,
          fault: () => undefined,
          committed(_, { answers, deadLetters }) {
            const failed = answers.filter(({ fault }) => fault !== undefined).length
            left -= answers.length + deadLetters - failed
            if (left === 0) stop.abort()
          },
        },
      },
      stop.signal,
    )
  } finally {
    await store.close()
    await pool.end()
    await log.close()
  }
}

const poison: LedgerCommand = wish(created('poison', 'Pets'))
const large: LedgerCommand = wish(
  recorded({ transactionId: 'poison-large', rawData: 'x'.repeat(17_000) }),
  'user-2',
)

describe('the operator', () => {
  const database = withDatabase('postgres')
  const run = (...args: readonly string[]): Promise<Ended> =>
    startSaldo(args, {
      limitMs: 55_000,
      settings: {
        DATABASE_URL: database.url,
        SALDO_MASTER_KEY: masterKey.toString('hex'),
        SALDO_PARTITIONS: '1',
        SALDO_JWT_SECRET: 'x'.repeat(40),
      },
    }).ended
  const listed = async (...args: readonly string[]): Promise<readonly Listed[]> =>
    JSON.parse((await run('dlq', 'list', '--json', ...args)).stdout) as readonly Listed[]

  beforeAll(async () => {
    const garbage = { ...commandRecord(wish(opened, 'user-3')), value: Buffer.from('not avro') }
    await decidePoisoned(database.url, [
      commandRecord(wish(opened)),
      commandRecord(poison),
      commandRecord(wish(groceries)),
      commandRecord(large),
      garbage,
    ])
  })

  describe('reads dead letters', () => {
    test('dlq list names place, cause, time and user of each', async () => {
      const { code, stdout } = await run('dlq', 'list')
      const time = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`
      expect(stdout.split('\n')).toEqual([
        expect.stringMatching(
          `^0/0 unreadable ${time} from ledger.commands 0/4, user user-3: not a saldo`,
        ),
        expect.stringMatching(
          `^0/1 failed ${time} from ledger.commands 0/1, user user-1: the engine failed`,
        ),
        expect.stringMatching(
          `^0/2 failed ${time} from ledger.commands 0/3, user user-2: the engine failed`,
        ),
      ])
      expect(code).toBe(0)
      expect(await listed()).toMatchObject([
        { address: '0/0', cause: 'unreadable', partition: 0, offset: 4 },
        { address: '0/1', cause: 'failed', userId: 'user-1', offset: 1 },
        { address: '0/2', cause: 'failed', userId: 'user-2', offset: 3 },
      ])
    })

    test('dlq show opens a command, or gives the bytes', async () => {
      const command = await run('dlq', 'show', '0/1', '--json')
      expect(JSON.parse(command.stdout)).toMatchObject({
        cause: 'failed',
        command: { commandId: poison.commandId, body: { type: 'CreateCategory', name: 'Pets' } },
      })
      const bytes = await run('dlq', 'show', '0/0')
      expect(bytes.stdout).toContain(`payload: ${Buffer.from('not avro').toString('base64')}`)
      expect([command.code, bytes.code]).toEqual([0, 0])
    })

    test('an address where nothing is, is told in a sentence', async () => {
      for (const address of ['0/77', '9/0']) {
        const shown = await run('dlq', 'show', address)
        expect(shown.stderr).toContain(`there is no dead letter at ${address}`)
        expect(shown.code).toBe(1)
      }
    })
  })

  describe('deals with them', () => {
    test('dlq replay refuses what is truncated or unreadable, with the reason', async () => {
      const { code, stdout } = await run('dlq', 'replay', '0/0', '0/2', '0/77')
      const [unreadable, truncated, absent] = stdout.split('\n')
      expect(unreadable).toBe('0/0 this release cannot read it as a command')
      expect(truncated).toMatch(
        /^0\/2 only the first 16384 of its \d+ bytes were kept: send the command again from where it came$/,
      )
      expect(absent).toBe('0/77 there is no dead letter at 0/77')
      expect(code).toBe(1)
      expect(await listed()).toHaveLength(3)
    })

    test('dlq drop marks, once', async () => {
      const dropped = await run('dlq', 'drop', '0/0', '0/2', '--json')
      expect(JSON.parse(dropped.stdout)).toMatchObject([
        { address: '0/0', done: true },
        { address: '0/2', done: true },
      ])
      const again = await run('dlq', 'drop', '0/0')
      expect(again.stdout).toMatch(/^0\/0 was dropped at 20/)
      expect([dropped.code, again.code]).toEqual([0, 1])
      expect((await listed()).map(({ address }) => address)).toEqual(['0/1'])
      expect(await listed('--all')).toHaveLength(3)
    })

    test('unpark sends what waited, and the ledger takes commands again', async () => {
      const first = await run('unpark', '--user', 'user-1')
      expect(first.stdout).toBe('the ledger of user-1 is unparked; 1 sent again: 1 accepted')
      const empty = await run('unpark', '--user', 'user-2', '--json')
      expect(JSON.parse(empty.stdout)).toEqual({ userId: 'user-2', end: 'unparked', answers: {} })
      const again = await run('unpark', '--user', 'user-1')
      expect(again.stdout).toBe('the ledger of user-1 is not parked')
      expect([first.code, empty.code, again.code]).toEqual([0, 0, 1])
    })

    test('dlq replay sends the command that failed, and it is decided under its own id', async () => {
      const replayed = await run('dlq', 'replay', '0/1')
      expect(replayed.stdout).toBe('0/1 replayed: accepted')
      const again = await run('dlq', 'replay', '0/1')
      expect(again.stdout).toMatch(/^0\/1 was replayed at 20/)
      expect([replayed.code, again.code]).toEqual([0, 1])
      const events = (await run('events', '--user', 'user-1')).stdout
        .split('\n')
        .map((line) => JSON.parse(line) as { commandId: string; body: { type: string } })
      expect(events.map(({ body }) => body.type)).toEqual([
        'AccountOpened',
        'LedgerParked',
        'TransactionCreated',
        'LedgerUnparked',
        'CategoryCreated',
      ])
      expect(events.at(-1)?.commandId).toBe(poison.commandId)
    })

    test('verify finds no difference', async () => {
      const { code, stdout } = await run('verify')
      expect(stdout).toContain('differences: 0')
      expect(code).toBe(0)
    })
  })
})

type Listed = { readonly address: string }
