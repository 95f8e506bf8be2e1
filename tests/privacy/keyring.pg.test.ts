import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { keyring, type Keyring } from '../../privacy/keyring.ts'
import { open, seal } from '../../privacy/seal.ts'
import type { SubjectKey, SubjectKeyOrShredded } from '../../privacy/subject-key.ts'
import { openPool } from '../../sink/postgres/pool.ts'
import { describePostgres } from '../support/postgres.ts'

const MASTER = Buffer.alloc(32, 5)
const USERS = Array.from({ length: 50 }, (_, n) => `user-${n}`)

describePostgres('the keyring', (database) => {
  let pool: pg.Pool
  let keys: Keyring
  beforeAll(() => {
    pool = openPool(database.url, { role: 'test-keyring', max: 8 })
  })
  afterAll(() => pool.end())
  beforeEach(async () => {
    await pool.query('TRUNCATE subject_keys')
    keys = keyring(pool, MASTER)
  })

  async function shred(userId: string): Promise<void> {
    await pool.query(
      'UPDATE subject_keys SET wrapped = NULL, shredded_at = now() WHERE user_id = $1',
      [userId],
    )
  }

  async function stored(): Promise<readonly { user_id: string; wrapped: Buffer | null }[]> {
    const { rows } = await pool.query('SELECT user_id, wrapped FROM subject_keys ORDER BY user_id')
    return rows
  }

  test('a key is made at first use, and another keyring reads the same one', async () => {
    const made = keyOf(await keys.keysOf(['user-1']), 'user-1')
    const read = keyOf(await keyring(pool, MASTER).existingKeysOf(['user-1']), 'user-1')
    expect(read.hash('content')).toEqual(made.hash('content'))
    const sealed = seal(made.sealing, Buffer.from('text'), 'place')
    expect(open(read.sealing, sealed, 'place').toString()).toBe('text')
  })

  test('every user has a key of their own', async () => {
    const found = await keys.keysOf(USERS)
    expect(new Set(USERS.map((userId) => hashOf(found, userId))).size).toBe(USERS.length)
  })

  test('keyrings that need the same keys at once agree, in whatever order they ask', async () => {
    const rings = Array.from({ length: 6 }, () => keyring(pool, MASTER))
    const answers = await Promise.all(
      rings.map((ring, n) => ring.keysOf(n % 2 === 0 ? USERS : USERS.toReversed())),
    )
    for (const userId of USERS) {
      expect(new Set(answers.map((found) => hashOf(found, userId))).size, userId).toBe(1)
    }
    expect(await stored()).toHaveLength(USERS.length)
  })

  test('a user who is asked for twice in one call has one key', async () => {
    expect((await keys.keysOf(['user-1', 'user-1'])).size).toBe(1)
    expect(await stored()).toHaveLength(1)
  })

  test('a reader makes no key, and a user without one is missing from the answer', async () => {
    await keys.keysOf(['user-1'])
    const found = await keys.existingKeysOf(['user-1', 'user-2'])
    expect([...found.keys()]).toEqual(['user-1'])
    expect(await stored()).toHaveLength(1)
  })

  test('a key that was missing for a reader is found once it exists', async () => {
    const reader = keyring(pool, MASTER)
    expect((await reader.existingKeysOf(['user-1'])).size).toBe(0)
    await keys.keysOf(['user-1'])
    expect((await reader.existingKeysOf(['user-1'])).size).toBe(1)
  })

  test('a key lies wrapped in the table: no part of it can be read there', async () => {
    const key = keyOf(await keys.keysOf(['user-1']), 'user-1')
    const wrapped = (await stored())[0]?.wrapped
    expect(wrapped).toHaveLength(12 + 32 + 16)
    expect(wrapped?.includes(key.sealing.export().subarray(0, 8))).toBe(false)
  })

  test('another master key is SALDO_KEY_UNAVAILABLE, with a sentence that says what to do', async () => {
    await keys.keysOf(['user-1'])
    const other = keyring(pool, Buffer.alloc(32, 6))
    for (const ask of [other.keysOf, other.existingKeysOf]) {
      await expect(ask(['user-1'])).rejects.toMatchObject({
        code: 'SALDO_KEY_UNAVAILABLE',
        retryable: false,
        message: expect.stringContaining('start with the master key the data was written with'),
      })
    }
  })

  test('a wrapped key that was moved to another user does not open', async () => {
    await keys.keysOf(['user-1', 'user-2'])
    await pool.query(
      `UPDATE subject_keys SET wrapped = (SELECT wrapped FROM subject_keys WHERE user_id = 'user-1')
       WHERE user_id = 'user-2'`,
    )
    const ring = keyring(pool, MASTER)
    await expect(ring.keysOf(['user-2'])).rejects.toMatchObject({ code: 'SALDO_KEY_UNAVAILABLE' })
  })

  test('a shredded key reads as shredded, and no use replaces its tombstone', async () => {
    await keys.keysOf(['user-1', 'user-2'])
    await shred('user-1')
    for (const ask of ['keysOf', 'existingKeysOf', 'keysOf'] as const) {
      const found = await keyring(pool, MASTER)[ask](['user-1', 'user-2', 'user-3'])
      expect(found.get('user-1')).toBe('shredded')
      expect(keyOf(found, 'user-2').hash('content')).toHaveLength(32)
    }
    expect((await stored())[0]).toEqual({ user_id: 'user-1', wrapped: null })
  })

  test('what was asked for is in memory, and what was not is not', async () => {
    expect(keys.cached('user-1')).toBeUndefined()
    const found = await keys.keysOf(['user-1'])
    expect(keys.cached('user-1')).toBe(found.get('user-1'))
    await pool.query('TRUNCATE subject_keys')
    expect((await keys.keysOf(['user-1'])).get('user-1')).toBe(found.get('user-1'))
  })

  test('memory is bounded: the key that came first goes first and is read again', async () => {
    const small = keyring(pool, MASTER, 3)
    const first = hashOf(await small.keysOf(['user-1']), 'user-1')
    const all = await small.keysOf(USERS)
    // More keys than memory holds are answered all the same.
    expect(all.size).toBe(USERS.length)
    expect(USERS.filter((userId) => small.cached(userId) !== undefined)).toHaveLength(3)
    expect(small.cached('user-1')).toBeUndefined()
    expect(hashOf(await small.keysOf(['user-1']), 'user-1')).toBe(first)
  })

  test('the operator seals with a key that only the master key gives', () => {
    const sealed = seal(keys.operator, Buffer.from('dead letter'), 'place')
    expect(open(keyring(pool, MASTER).operator, sealed, 'place').toString()).toBe('dead letter')
    const other = keyring(pool, Buffer.alloc(32, 6)).operator
    expect(() => open(other, sealed, 'place')).toThrow()
  })

  test('a database that is away is a SaldoError that may be tried again', async () => {
    const away = openPool('postgres://nobody@127.0.0.1:1/none', { role: 'test', max: 1 })
    const ring = keyring(away, MASTER)
    for (const ask of [ring.keysOf, ring.existingKeysOf]) {
      await expect(ask(['user-1'])).rejects.toMatchObject({
        code: 'SALDO_DATABASE_UNAVAILABLE',
        retryable: true,
      })
    }
    await away.end()
  })
})

function keyOf(found: ReadonlyMap<string, SubjectKeyOrShredded>, userId: string): SubjectKey {
  const key = found.get(userId)
  if (key === undefined || key === 'shredded') throw new Error(`no key of ${userId}`)
  return key
}

function hashOf(found: ReadonlyMap<string, SubjectKeyOrShredded>, userId: string): string {
  return keyOf(found, userId).hash('content').toString('hex')
}
