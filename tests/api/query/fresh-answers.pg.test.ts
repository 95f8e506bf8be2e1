import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApi, type RunningApi } from '../../../api/query/server.ts'
import { partitionOf } from '../../../schemas/partition.ts'
import { describePostgres } from '../../support/postgres.ts'
import { get, SECRET, type Answer } from './client.ts'
import { openSeed, type Seed } from './seed.ts'

const PARTITIONS = 4
const partition = (user: string): number => partitionOf(Buffer.from(user), PARTITIONS)
/** In another partition than ana. */
const elsewhere = Array.from({ length: 50 }, (_, n) => `u-${n}`).find(
  (user) => partition(user) !== partition('ana'),
)

/** In the partition of ana. */
const beside = Array.from({ length: 50 }, (_, n) => `u-${n}`).find(
  (user) => partition(user) === partition('ana'),
)

describePostgres('the freshness of answers', (database) => {
  let api: RunningApi
  let seed: Seed

  beforeAll(async () => {
    seed = await openSeed(database.url)
    api = await startApi({ databaseUrl: database.url, jwtSecret: SECRET, port: 0 })
    await seed.account({ userId: 'ana', accountId: 'a-1' })
    await seed.run(
      `INSERT INTO leases (group_name, partition) SELECT 'saldo.ledger-tables', generate_series(0, $1 - 1)`,
      [PARTITIONS],
    )
    await seed.run(
      `INSERT INTO progress (consumer, partition, next_offset, updated_at)
       SELECT consumer, partition, 100 * partition + 7, '2024-05-01T10:00:00Z'
         FROM generate_series(0, $1 - 1) AS partition,
              unnest(ARRAY['tables:accounts', 'tables:transactions', 'tables:command-outcomes']) AS consumer`,
      [PARTITIONS],
    )
  })
  afterAll(async () => {
    await api.close()
    await seed.close()
  })

  const ask = (path: string, user: string, headers: Record<string, string> = {}): Promise<Answer> =>
    get(`${api.url}${path}`, { user, headers })
  const tagOf = async (path: string, user = 'ana'): Promise<string> =>
    (await ask(path, user)).headers.get('etag') ?? ''
  const statusWith = async (path: string, tag: string, user = 'ana'): Promise<number> =>
    (await ask(path, user, { 'if-none-match': tag })).status
  /** As a table reader does: the progress row moves in the transaction of the rows. */
  const apply = (user: string, consumer: string): Promise<unknown> =>
    seed.run(
      'UPDATE progress SET next_offset = next_offset + 1 WHERE consumer = $1 AND partition = $2',
      [consumer, partition(user)],
    )

  test("every answer says the least offset and the oldest time of the user's partition", async () => {
    await seed.run(
      `UPDATE progress SET next_offset = 5, updated_at = '2024-04-30T09:00:00Z'
        WHERE consumer = 'tables:accounts' AND partition = $1`,
      [partition('ana')],
    )
    const { body, headers } = await ask('/v1/accounts', 'ana')
    expect(body).toMatchObject({ asOf: '2024-04-30T09:00:00.000Z', offset: '5' })
    expect(headers.get('saldo-as-of')).toBe('2024-04-30T09:00:00.000Z')
    expect(headers.get('saldo-offset')).toBe('5')
    expect(Number(headers.get('saldo-age-ms'))).toBeGreaterThan(0)
    const other = await ask('/v1/accounts', elsewhere ?? '')
    expect(other.body.offset).toBe(String(100 * partition(elsewhere ?? '') + 7))
  })

  test('what is not found says too how fresh that is, and has no ETag', async () => {
    const { status, headers } = await ask('/v1/accounts/a-9', 'ana')
    expect(status).toBe(404)
    expect(headers.get('saldo-offset')).not.toBeNull()
    expect(headers.get('etag')).toBeNull()
  })

  test('the outcome of a command is as fresh as the table of outcomes', async () => {
    await seed.outcome({ userId: 'ana', commandId: COMMAND, verdict: 'accepted' })
    await seed.run(
      `UPDATE progress SET next_offset = 3 WHERE consumer = 'tables:command-outcomes' AND partition = $1`,
      [partition('ana')],
    )
    expect((await ask(`/v1/commands/${COMMAND}`, 'ana')).body.offset).toBe('3')
  })

  test('an answer that is known is 304 without a body, with its ETag and its age', async () => {
    const tag = await tagOf('/v1/accounts')
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`]) {
      const { status, text, headers } = await ask('/v1/accounts', 'ana', { 'if-none-match': known })
      expect(status).toBe(304)
      expect(text).toBe('')
      expect(headers.get('etag')).toBe(tag)
      expect(headers.get('saldo-age-ms')).not.toBeNull()
    }
  })

  test('a known answer is told from the progress alone: no table is read', async () => {
    const tag = await tagOf('/v1/accounts/a-1')
    await seed.run('ALTER TABLE accounts RENAME TO accounts_away')
    try {
      // The table is part of what is known: put another one in its place, and the answer may be another one.
      expect(await statusWith('/v1/accounts/a-1', tag)).toBe(500)
      await seed.run('ALTER TABLE accounts_away RENAME TO accounts')
      await seed.run('REVOKE SELECT ON accounts FROM saldo_api')
      expect(await statusWith('/v1/accounts/a-1', tag)).toBe(304)
      expect((await ask('/v1/accounts/a-1', 'ana')).status).toBe(500)
    } finally {
      await seed.run('ALTER TABLE IF EXISTS accounts_away RENAME TO accounts')
      await seed.run('GRANT SELECT ON accounts TO saldo_api')
    }
  })

  test.for(['tables:accounts', 'tables:transactions', 'tables:command-outcomes'])(
    'an answer is new after a batch of %s in the partition of its user',
    async (consumer) => {
      const tag = await tagOf('/v1/accounts')
      await apply('ana', consumer)
      expect(await statusWith('/v1/accounts', tag)).toBe(200)
    },
  )

  test('an answer is the old one after a batch of another partition', async () => {
    const tag = await tagOf('/v1/accounts')
    await apply(elsewhere ?? '', 'tables:accounts')
    expect(await statusWith('/v1/accounts', tag)).toBe(304)
  })

  test('an answer is new when a rebuilt table took the place of its table', async () => {
    const tag = await tagOf('/v1/accounts')
    await seed.run('CREATE TABLE accounts_rebuilt (LIKE accounts INCLUDING ALL)')
    await seed.run('INSERT INTO accounts_rebuilt SELECT * FROM accounts')
    await seed.run(`ALTER TABLE accounts RENAME TO accounts_before`)
    await seed.run(`ALTER TABLE accounts_rebuilt RENAME TO accounts`)
    await seed.run(`SELECT saldo_wall('accounts')`)
    expect(await statusWith('/v1/accounts', tag)).toBe(200)
  })

  test('an ETag is of its user and of its address', async () => {
    const tag = await tagOf('/v1/accounts')
    expect(await statusWith('/v1/accounts', tag, beside)).toBe(200)
    expect(await statusWith('/v1/transactions', tag)).toBe(200)
    expect(await statusWith('/v1/transactions?limit=3', await tagOf('/v1/transactions'))).toBe(200)
  })
})

const COMMAND = '0b6f1f0e-6f0a-4f6e-9a6b-3f1d2c4b5a69'
