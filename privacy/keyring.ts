/**
 * One data key per user, wrapped by the master key, in `subject_keys`.
 *
 * Invariant: a key is created once, by whoever needs it first; a tombstone is never replaced by a key.
 */
import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto'
import type { Pool } from 'pg'
import { SaldoError } from '../schemas/errors.ts'
import { textArray } from '../sink/binary-arrays.ts'
import { asSaldoError } from '../sink/postgres/pool.ts'
import { open, seal } from './seal.ts'
import { subjectKey, type SubjectKey, type SubjectKeyOrShredded } from './subject-key.ts'

const CACHED_KEYS_MAX = 100_000

export type Keyring = {
  /** Seals what only the operator may read, such as dead letters. */
  readonly operator: KeyObject
  /** Keys of these users, created where there is none yet. */
  keysOf(userIds: readonly string[]): Promise<ReadonlyMap<string, SubjectKeyOrShredded>>
  /** Keys of these users; a user without one is missing from the answer. For readers. */
  existingKeysOf(userIds: readonly string[]): Promise<ReadonlyMap<string, SubjectKeyOrShredded>>
  /** A key that is in memory already. */
  cached(userId: string): SubjectKeyOrShredded | undefined
}

export function keyring(
  pool: Pool,
  masterKey: Uint8Array,
  cachedKeysMax = CACHED_KEYS_MAX,
): Keyring {
  const wrapping = purposeKey(masterKey, 'wrap')
  const cache = new Map<string, SubjectKeyOrShredded>()
  const remember = (userId: string, key: SubjectKeyOrShredded): void => {
    // A Map keeps insertion order: the first is the one that was loaded longest ago.
    if (cache.size >= cachedKeysMax) cache.delete(cache.keys().next().value ?? '')
    cache.set(userId, key)
  }
  const load = async (userIds: readonly string[], create: boolean) => {
    const found = new Map<string, SubjectKeyOrShredded>()
    const missing: string[] = []
    for (const userId of new Set(userIds)) {
      const key = cache.get(userId)
      if (key === undefined) missing.push(userId)
      else found.set(userId, key)
    }
    if (missing.length === 0) return found
    if (create) await insertMissing(pool, wrapping, missing)
    for (const { user_id, wrapped } of await selectKeys(pool, missing)) {
      const key = wrapped === null ? 'shredded' : unwrap(wrapping, user_id, wrapped)
      remember(user_id, key)
      found.set(user_id, key)
    }
    return found
  }
  return {
    operator: purposeKey(masterKey, 'operator'),
    keysOf: (userIds) => load(userIds, true),
    existingKeysOf: (userIds) => load(userIds, false),
    cached: (userId) => cache.get(userId),
  }
}

function purposeKey(masterKey: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(
    Buffer.from(hkdfSync('sha256', masterKey, '', `saldo master ${purpose}`, 32)),
  )
}

type KeyRow = { readonly user_id: string; readonly wrapped: Buffer | null }

async function selectKeys(pool: Pool, userIds: readonly string[]): Promise<readonly KeyRow[]> {
  try {
    const { rows } = await pool.query<KeyRow>({
      name: 'keys-select',
      text: 'SELECT user_id, wrapped FROM subject_keys WHERE user_id = ANY($1::text[])',
      values: [textArray(userIds)],
    })
    return rows
  } catch (error) {
    throw asSaldoError(error)
  }
}

async function insertMissing(
  pool: Pool,
  wrapping: KeyObject,
  userIds: readonly string[],
): Promise<void> {
  const known = new Set((await selectKeys(pool, userIds)).map(({ user_id }) => user_id))
  // Sorted, so that two who create the same keys at once do not wait for each other in a circle.
  const unknown = userIds.filter((userId) => !known.has(userId)).sort()
  if (unknown.length === 0) return
  const wrapped = unknown.map((userId) => seal(wrapping, randomBytes(32), `subject key ${userId}`))
  try {
    await pool.query(
      'INSERT INTO subject_keys (user_id, wrapped) SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING',
      [unknown, wrapped],
    )
  } catch (error) {
    throw asSaldoError(error)
  }
}

function unwrap(wrapping: KeyObject, userId: string, wrapped: Buffer): SubjectKey {
  try {
    return subjectKey(open(wrapping, wrapped, `subject key ${userId}`))
  } catch (cause) {
    throw new SaldoError(
      'SALDO_KEY_UNAVAILABLE',
      'a subject key does not open with this master key: start with the master key the data was written with',
      { retryable: false, cause },
    )
  }
}
