import { createSecretKey, hash } from 'node:crypto'
import type { ActorDeps } from '../../topology/run-actors.ts'
import {
  subjectKey,
  type SubjectKey,
  type SubjectKeyOrShredded,
} from '../../privacy/subject-key.ts'

export type MemoryKeys = ActorDeps['keys'] & {
  /** From now on nothing that the key sealed can be read. */
  shred(userId: string): void
  isShredded(userId: string): boolean
  /** For a judge: the key as it was, whatever became of it. */
  original(userId: string): SubjectKey
}

/** A key for every user, the same in every run. */
export function memoryKeys(): MemoryKeys {
  const known = new Map<string, SubjectKeyOrShredded>()
  const keyOf = (userId: string): SubjectKeyOrShredded => {
    const key = known.get(userId) ?? original(userId)
    known.set(userId, key)
    return key
  }
  return {
    operator: createSecretKey(Buffer.alloc(32, 1)),
    keysOf: (userIds) => Promise.resolve(new Map(userIds.map((userId) => [userId, keyOf(userId)]))),
    cached: (userId) => known.get(userId),
    shred: (userId) => known.set(userId, 'shredded'),
    isShredded: (userId) => known.get(userId) === 'shredded',
    original,
  }
}

const originals = new Map<string, SubjectKey>()

function original(userId: string): SubjectKey {
  const key = originals.get(userId) ?? subjectKey(hash('sha256', `test key ${userId}`, 'buffer'))
  originals.set(userId, key)
  return key
}
