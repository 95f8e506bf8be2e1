import fc from 'fast-check'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Output } from '../../cli/output.ts'
import { runVerify } from '../../cli/verify.ts'
import { keyring, type Keyring } from '../../privacy/keyring.ts'
import { eventCodec } from '../../schemas/codec.ts'
import type { LedgerEvent } from '../../schemas/types.ts'
import type { CheckpointRow } from '../../sink/checkpoint-store.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { postgresVerifyReader, type VerifyReader } from '../../sink/verify-queries.ts'
import { postgresLog } from '../../topology/log/postgres-log.ts'
import { fromCheckpointRow, toCheckpointRow } from '../../topology/state-codec.ts'
import { verify, type Verdict } from '../../topology/verify.ts'
import { arbitraryCommand } from '../support/arbitrary-commands.ts'
import { startEngine, type Engine, type EngineOptions } from '../support/engine.ts'
import { describePostgres } from '../support/postgres.ts'

const PARTITIONS = 2
const masterKey = Buffer.alloc(32, 7)
const commands = fc.sample(arbitraryCommand, { seed: 20_260_314, numRuns: 700 })
const CLEAN = { differences: [] }
/** What damages are done to; each is put back after its test. */
const DAMAGED = [
  'accounts',
  'transactions',
  'daily_aggregates',
  'events',
  'command_outcomes',
  'actor_checkpoints',
  'progress',
  'subject_keys',
  'log_heads',
  'log_records',
]

function engineOn(url: string, options: Partial<EngineOptions> = {}): Promise<Engine> {
  return startEngine({ url, partitions: PARTITIONS, masterKey, ...options })
}

/** A judge of its own, as another process would be. */
async function judged(
  url: string,
  around: (reader: VerifyReader) => VerifyReader = (reader) => reader,
): Promise<Verdict> {
  const log = await postgresLog({ url, partitions: PARTITIONS, role: 'judge' })
  const pool = openPool(url, { role: 'judge-keys', max: 1 })
  const reader = postgresVerifyReader(url, 'judge')
  try {
    const keys = keyring(pool, masterKey)
    return await verify({ log, keys, reader: around(reader), partitions: PARTITIONS })
  } finally {
    await reader.close()
    await pool.end()
    await log.close()
  }
}

async function ranVerify(url: string, json: boolean, out: Output): Promise<number> {
  const log = await postgresLog({ url, partitions: PARTITIONS, role: 'judge' })
  const pool = openPool(url, { role: 'judge-keys', max: 1 })
  try {
    const keys = keyring(pool, masterKey)
    return await runVerify({ databaseUrl: url, log, keys, partitions: PARTITIONS }, { json }, out)
  } finally {
    await pool.end()
    await log.close()
  }
}

describePostgres('verify', (database) => {
  test('finds nothing after a random run, with every command answered', async () => {
    const engine = await engineOn(database.url, { batchRecords: 20 })
    await engine.send(commands.slice(0, 400))
    const unreadable = Buffer.from('not avro')
    const key = Buffer.from('user-1')
    const place = { topic: 'ledger.commands', partition: 1 } as const
    await engine.sendRecords([{ ...place, key, value: unreadable }])
    await engine.settled()
    await engine.stop()
    const verdict = await judged(database.url)
    expect(verdict).toMatchObject({ ...CLEAN, ledgers: 3, outcomes: 400 })
    expect(verdict.events).toBeGreaterThan(80)
  })

  test('finds nothing while commands are decided between its looks', async () => {
    const engine = await engineOn(database.url, { batchRecords: 10 })
    let sent = 400
    const verdict = await judged(database.url, (reader) => ({
      ...reader,
      async look(partition, userIds) {
        await engine.send(commands.slice(sent, (sent += 50)))
        await engine.settled()
        // What follows is on its way while the look is taken.
        await engine.send(commands.slice(sent, (sent += 50)))
        return reader.look(partition, userIds)
      },
    }))
    await engine.settled()
    await engine.stop()
    expect(verdict).toMatchObject({ ...CLEAN, ledgers: 3 })
    expect(sent).toBe(600)
  })

  test('finds nothing when the checkpoints are far behind the tables', async () => {
    const engine = await engineOn(database.url, { checkpointEveryMs: 3_600_000 })
    await engine.send(commands.slice(600, 700))
    await engine.settled()
    const verdict = await judged(database.url)
    await engine.stop()
    expect(verdict).toMatchObject(CLEAN)
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })

  test('takes as many looks as there are portions of ledgers', async () => {
    const engine = await engineOn(database.url)
    const [opened] = commands.filter(({ body }) => body.type === 'OpenAccount')
    if (opened === undefined) throw new Error('another seed is needed')
    const many = Array.from({ length: 700 }, (_, n) => ({ ...opened, userId: `many-${n}` }))
    await engine.send(many)
    await engine.settled()
    await engine.stop()
    const looks: number[] = []
    const verdict = await judged(database.url, (reader) => ({
      ...reader,
      look(partition, userIds) {
        looks.push(userIds.length)
        return reader.look(partition, userIds)
      },
    }))
    expect(verdict).toMatchObject({ ...CLEAN, ledgers: 703 })
    expect(looks.reduce((a, b) => a + b)).toBe(703)
    expect(Math.max(...looks)).toBe(300)
  })
})

describePostgres('verify finds', (database) => {
  let admin: pg.Client
  let keys: Keyring
  let keyPool: pg.Pool

  beforeAll(async () => {
    const engine = await engineOn(database.url)
    await engine.send(commands.slice(0, 400))
    await engine.settled()
    await engine.stop()
    admin = new pg.Client(database.url)
    await admin.connect()
    keyPool = openPool(database.url, { role: 'test', max: 1 })
    keys = keyring(keyPool, masterKey)
    for (const table of DAMAGED) await admin.query(`CREATE TABLE good_${table} AS TABLE ${table}`)
  })
  afterEach(async () => {
    await admin.query(`TRUNCATE ${DAMAGED.join(', ')}`)
    for (const table of DAMAGED) {
      await admin.query(`INSERT INTO ${table} SELECT * FROM good_${table}`)
    }
  })
  afterAll(async () => {
    await keyPool.end()
    await admin.end()
  })

  async function damage(sql: string, values: readonly unknown[] = []): Promise<void> {
    const { rowCount } = await admin.query(sql, [...values])
    expect(rowCount, 'rows damaged').toBeGreaterThan(0)
  }

  /** Events of the log in order, with where they are. */
  async function events(): Promise<readonly (LedgerEvent & Stored)[]> {
    const { rows } = await admin.query<Stored>(
      'SELECT partition, "offset", value FROM log_records WHERE topic_id = 2 ORDER BY partition, "offset"',
    )
    return rows.map((row) => ({ ...eventCodec.decode(row.value), ...row }))
  }
  type Stored = { readonly partition: number; readonly offset: string; readonly value: Buffer }

  /** A transaction's first event that others of its ledger follow, and the one right after it. */
  async function inTheMiddle(): Promise<readonly [LedgerEvent & Stored, LedgerEvent & Stored]> {
    const all = await events()
    const chosen = all.find(
      ({ body, sequence }) => body.type === 'TransactionCreated' && sequence > 3,
    )
    const next = all.find(
      ({ userId, sequence }) => userId === chosen?.userId && sequence === chosen.sequence + 1,
    )
    if (chosen === undefined || next === undefined) throw new Error('another seed is needed')
    return [chosen, next]
  }

  async function checkpoint(stateType: string): Promise<CheckpointRow> {
    const { rows } = await admin.query<{ [column: string]: string | Buffer }>(
      'SELECT * FROM actor_checkpoints WHERE state_type = $1 ORDER BY user_id, state_id LIMIT 1',
      [stateType],
    )
    const row = rows[0]
    if (row === undefined) throw new Error(`no checkpoint of a ${stateType}`)
    return {
      userId: String(row['user_id']),
      stateType,
      stateId: String(row['state_id']),
      sequence: Number(row['sequence']),
      version: Number(row['version']),
      state: row['state'] as Buffer,
    }
  }

  /** Seals an account's state again after a change, as a wrong engine would have written it. */
  async function resealed(change: { readonly balance?: bigint; readonly sequence?: number }) {
    const row = await checkpoint('account')
    const key = (await keys.existingKeysOf([row.userId])).get(row.userId)
    if (key === undefined || key === 'shredded') throw new Error('no key')
    const loaded = fromCheckpointRow(key, row)
    if (loaded.type !== 'account' || loaded.held.state.status === 'unopened') {
      throw new Error('not an account')
    }
    const { state } = loaded.held
    const { sequence, state: sealed } = toCheckpointRow(key, row.userId, 'account', row.stateId, {
      state: { ...state, balanceMinor: state.balanceMinor + (change.balance ?? 0n) },
      sequence: row.sequence + (change.sequence ?? 0),
      version: row.version,
    })
    await damage(
      `UPDATE actor_checkpoints SET sequence = $1, state = $2
       WHERE user_id = $3 AND state_type = 'account' AND state_id = $4`,
      [sequence, sealed, row.userId, row.stateId],
    )
    return { userId: row.userId, key: { state_type: 'account', state_id: row.stateId } }
  }

  describe('in tables', () => {
    test('a balance that is off by one, and says by how much', async () => {
      const { rows } = await admin.query<{ user_id: string; account_id: string; balance: string }>(
        'SELECT user_id, account_id, balance_minor::text AS balance FROM accounts ORDER BY 1, 2 LIMIT 1',
      )
      const { user_id = '', account_id = '', balance = '' } = rows[0] ?? {}
      await damage(
        'UPDATE accounts SET balance_minor = balance_minor + 1 WHERE user_id = $1 AND account_id = $2',
        [user_id, account_id],
      )
      const { differences } = await judged(database.url)
      expect(differences).toEqual([
        {
          what: 'accounts',
          problem: 'differs',
          partition: expect.any(Number),
          userId: user_id,
          key: { account_id },
          columns: ['balance_minor'],
          expected: { balance_minor: balance },
          found: { balance_minor: String(BigInt(balance) + 1n) },
        },
      ])
    })

    test.for([
      [
        'a text that is another one, without saying it',
        one('transactions', `SET description = 'Secret'`),
        { problem: 'differs', columns: ['description'], expected: {}, found: {} },
      ],
      [
        'an amount that is not whole',
        one('transactions', 'SET amount_minor = 0.5'),
        { problem: 'differs', columns: ['amount_minor'], found: { amount_minor: '0.5' } },
      ],
      [
        'a total of a day',
        one('daily_aggregates', 'SET total_minor = total_minor - 1'),
        { problem: 'differs', columns: ['total_minor'] },
      ],
      [
        'archived bytes',
        one('events', `SET event = '\\x00'`),
        { problem: 'differs', columns: ['event'] },
      ],
      [
        'what an archived event can be found by',
        one('events', `SET event_type = 'AccountClosed', version = 9`),
        { problem: 'differs', columns: ['version', 'event_type'] },
      ],
      [
        'another answer',
        one('command_outcomes', `SET verdict = 'parked'`),
        { problem: 'differs', columns: ['verdict'] },
      ],
      [
        'a row that is missing',
        'DELETE FROM transactions WHERE ctid = (SELECT min(ctid) FROM transactions)',
        { what: 'transactions', problem: 'missing' },
      ],
      [
        'an archived event that is missing',
        `DELETE FROM events WHERE user_id = 'user-2' AND sequence = 2`,
        { what: 'events', problem: 'missing', userId: 'user-2', key: { sequence: '2' } },
      ],
      [
        'a row too many',
        `INSERT INTO daily_aggregates VALUES ('user-1', '2020-02-29', 'health', 'NOK', 1, 1)`,
        {
          what: 'daily_aggregates',
          problem: 'extra',
          key: { booked_on: '2020-02-29', category_id: 'health', currency: 'NOK' },
        },
      ],
      [
        'a row of a ledger that the log does not know',
        `INSERT INTO daily_aggregates VALUES ('stranger', '2020-02-29', 'health', 'NOK', 1, 1)`,
        { problem: 'extra', userId: 'stranger' },
      ],
      [
        'progress beyond the end of the log',
        `UPDATE progress SET next_offset = next_offset + 1000 WHERE consumer = 'tables:accounts' AND partition = 0`,
        { what: 'progress', problem: 'not-reachable', key: { consumer: 'tables:accounts' } },
      ],
    ] as const)('%s', async ([, sql, expected]) => {
      await damage(sql)
      const { differences } = await judged(database.url)
      expect(differences).toEqual([expect.objectContaining(expected)])
    })

    test('an event that one table has not folded and says it has', async () => {
      await damage(
        `UPDATE progress SET next_offset = next_offset - 5 WHERE consumer = 'tables:transactions'`,
      )
      const { differences } = await judged(database.url)
      expect(new Set(differences.map(({ what }) => what))).toEqual(new Set(['transactions']))
    })
  })

  test.for([[true], [false]] as const)(
    'and prints no value unless asked to (json: %s)',
    async ([json]) => {
      await damage(one('accounts', 'SET balance_minor = 987654321'))
      const results: string[] = []
      const notes: string[] = []
      const code = await ranVerify(database.url, json, {
        result: (line) => void results.push(line),
        note: (line) => void notes.push(line),
        flushed: () => Promise.resolve(),
      })
      expect(code).toBe(1)
      expect(results).toHaveLength(1)
      if (json) {
        expect(notes).toEqual([])
        expect(JSON.parse(results[0] ?? '')).toMatchObject({
          ledgers: 3,
          differences: 1,
          details: [{ what: 'accounts', found: { balance_minor: '987654321' } }],
        })
      } else {
        expect(notes).toEqual([expect.stringMatching(/^accounts differs at .*: balance_minor$/)])
        expect([...notes, ...results].join()).not.toContain('987654321')
      }
    },
  )

  describe('in checkpoints', () => {
    test('a wrong balance under a good seal', async () => {
      const place = await resealed({ balance: 1n })
      const { differences } = await judged(database.url)
      expect(differences).toMatchObject([
        { ...place, what: 'actor_checkpoints', columns: ['state.balanceMinor'] },
      ])
    })

    test('one that is ahead of the log', async () => {
      const place = await resealed({ sequence: 1 })
      const { differences } = await judged(database.url)
      expect(differences).toMatchObject([{ ...place, problem: 'differs', columns: ['sequence'] }])
    })

    test.for([
      [
        'progress that is ahead of the log',
        `UPDATE progress SET next_offset = next_offset + 7 WHERE consumer = 'actors:checkpoint' AND partition = 1`,
        {
          what: 'progress',
          problem: 'not-reachable',
          partition: 1,
          key: { consumer: 'actors:checkpoint' },
        },
      ],
      [
        'one that is missing',
        'DELETE FROM actor_checkpoints WHERE ctid = (SELECT min(ctid) FROM actor_checkpoints)',
        { what: 'actor_checkpoints', problem: 'missing' },
      ],
      [
        'one too many',
        `INSERT INTO actor_checkpoints VALUES ('stranger', 'root', 'root', 1, 1, '')`,
        { problem: 'extra', userId: 'stranger' },
      ],
      [
        'one that does not open',
        one('actor_checkpoints', `SET state = '\\x00'`),
        { problem: 'not-readable', columns: ['state'] },
      ],
    ] as const)('%s', async ([, sql, expected]) => {
      await damage(sql)
      const { differences } = await judged(database.url)
      expect(differences).toEqual([expect.objectContaining(expected)])
    })
  })

  describe('in the log', () => {
    const change =
      'UPDATE log_records SET value = $1 WHERE topic_id = 2 AND partition = $2 AND "offset" = $3'
    const remove = 'DELETE FROM log_records WHERE topic_id = 2 AND partition = $1 AND "offset" = $2'

    test('an event with other bytes, by the hash that the next one carries', async () => {
      const [event, next] = await inTheMiddle()
      // The last byte belongs to the hash of the command's content: it decodes and folds as before.
      const value = Buffer.from(event.value)
      value[value.length - 1] = 1 + (value.at(-1) ?? 0)
      await damage(change, [value, event.partition, event.offset])
      const { differences } = await judged(database.url)
      expect(differences).toContainEqual(
        expect.objectContaining({
          what: 'ledger.events',
          userId: event.userId,
          key: { offset: next.offset, sequence: String(next.sequence) },
          columns: ['previousHash'],
        }),
      )
      expect(differences).toContainEqual(
        expect.objectContaining({ what: 'events', columns: ['event'] }),
      )
    })

    test('an event that is not there, by the gap', async () => {
      const [event, next] = await inTheMiddle()
      await damage(remove, [event.partition, event.offset])
      const { differences } = await judged(database.url)
      expect(differences).toContainEqual(
        expect.objectContaining({
          what: 'ledger.events',
          problem: 'differs',
          key: { offset: next.offset, sequence: String(next.sequence) },
          columns: expect.arrayContaining(['sequence', 'previousHash']),
        }),
      )
    })

    test('the last event of a ledger that is not there, by the answer that names it', async () => {
      const last = (await events()).findLast(({ userId }) => userId === 'user-2')
      await damage(remove, [last?.partition, last?.offset])
      const { differences } = await judged(database.url)
      const key = { sequence: String(last?.sequence) }
      expect(differences).toContainEqual(
        expect.objectContaining({
          what: 'ledger.events',
          problem: 'missing',
          userId: 'user-2',
          key,
        }),
      )
    })

    test('an event that is there twice', async () => {
      const [event] = await inTheMiddle()
      const { rows } = await admin.query<{ next_offset: string }>(
        'UPDATE log_heads SET next_offset = next_offset + 1 WHERE topic_id = 2 AND partition = $1 RETURNING next_offset - 1 AS next_offset',
        [event.partition],
      )
      await damage(
        `INSERT INTO log_records SELECT topic_id, partition, $3, key, value, appended_at_ms
         FROM log_records WHERE topic_id = 2 AND partition = $1 AND "offset" = $2`,
        [event.partition, event.offset, rows[0]?.next_offset],
      )
      const { differences } = await judged(database.url)
      expect(differences).toMatchObject([
        {
          what: 'ledger.events',
          key: { offset: rows[0]?.next_offset, sequence: String(event.sequence) },
          columns: expect.arrayContaining(['sequence', 'version']),
        },
      ])
    })

    test('an event of another user, of another id', async () => {
      const [event] = await inTheMiddle()
      const stolen = { ...event, userId: 'user-9', personal: null }
      await damage(change, [eventCodec.encode(stolen), event.partition, event.offset])
      const { differences } = await judged(database.url)
      expect(differences).toContainEqual(
        expect.objectContaining({
          what: 'ledger.events',
          userId: event.userId,
          columns: ['key', 'eventId'],
        }),
      )
    })

    test.for([
      ['bytes that do not decode', () => Buffer.alloc(1)],
      [
        'texts that do not open',
        (event: LedgerEvent) => eventCodec.encode({ ...event, personal: Buffer.alloc(40) }),
      ],
    ] as const)('%s, and judges the other ledgers', async ([, valueOf]) => {
      const [event] = await inTheMiddle()
      await damage(change, [valueOf(event), event.partition, event.offset])
      const { differences, ledgers } = await judged(database.url)
      expect(ledgers).toBe(3)
      expect(differences).toMatchObject([
        {
          what: 'ledger.events',
          problem: 'not-readable',
          userId: event.userId,
          key: { offset: event.offset },
        },
      ])
    })

    test('nothing where outcomes left after their retention', async () => {
      await damage('DELETE FROM log_records WHERE topic_id = 3 AND partition = 0 AND "offset" < 50')
      await damage('DELETE FROM log_records WHERE topic_id = 3 AND partition = 1')
      expect(await judged(database.url)).toMatchObject(CLEAN)
    })

    test.for([
      [
        'a command without an answer',
        'DELETE FROM log_records WHERE topic_id = 3 AND partition = 0 AND "offset" = 1',
        'missing',
      ],
      [
        'a command with two answers',
        `UPDATE log_records SET value = (SELECT value FROM log_records WHERE topic_id = 3 AND partition = 0 AND "offset" = 2) WHERE topic_id = 3 AND partition = 0 AND "offset" = 1`,
        'extra',
      ],
    ] as const)('%s', async ([, sql, problem]) => {
      await damage(sql)
      const { differences } = await judged(database.url)
      expect(differences).toContainEqual(
        expect.objectContaining({ what: 'ledger.outcomes', problem, partition: 0 }),
      )
    })
  })

  test('texts of an erased user that are still readable, and nothing once they are gone', async () => {
    await damage(
      `UPDATE subject_keys SET wrapped = NULL, shredded_at = now() WHERE user_id = 'user-1'`,
    )
    const { differences } = await judged(database.url)
    const texts = ['name', 'description', 'merchant', 'counterparty', 'note']
    expect(differences.length).toBeGreaterThan(0)
    for (const { userId, columns } of differences) {
      expect(userId).toBe('user-1')
      expect(texts).toEqual(expect.arrayContaining([...columns]))
    }
    for (const table of ['accounts', 'transactions', 'categories']) {
      await admin.query(`DELETE FROM ${table} WHERE user_id = 'user-1'`)
    }
    expect(await judged(database.url)).toMatchObject(CLEAN)
  })
})

/** Changes the first row of a table. */
function one(table: string, set: string): string {
  return `UPDATE ${table} SET ${set.replace(/^SET /, '')} WHERE ctid = (SELECT min(ctid) FROM ${table})`
}
