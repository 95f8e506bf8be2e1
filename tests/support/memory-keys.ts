import { createSecretKey, hash } from 'node:crypto'
import type { ActorDeps } from '../../topology/run-actors.ts'
import { subjectKey, type SubjectKeyOrShredded } from '../../privacy/subject-key.ts'

export type MemoryKeys = ActorDeps['keys'] & {
  /** From now on nothing that the key sealed can be read. */
  shred(userId: string): void
}

/** A key for every user, the same in every run. */
export function memoryKeys(): MemoryKeys {
  const known = new Map<string, SubjectKeyOrShredded>()
  const keyOf = (userId: string): SubjectKeyOrShredded => {
    const key = known.get(userId) ?? subjectKey(hash('sha256', `test key ${userId}`, 'buffer'))
    known.set(userId, key)
    return key
  }
  return {
    operator: createSecretKey(Buffer.alloc(32, 1)),
    keysOf: (userIds) => Promise.resolve(new Map(userIds.map((userId) => [userId, keyOf(userId)]))),
    cached: (userId) => known.get(userId),
    shred: (userId) => known.set(userId, 'shredded'),
  }
}
