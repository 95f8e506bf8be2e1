import type { SubjectKeyOrShredded } from '../../privacy/subject-key.ts'
import type { LedgerCommand } from '../../schemas/types.ts'
import type { Keys } from '../../topology/ledger-loader.ts'

/** In any text or id of a command that creates something. */
const POISON = 'poison'

/** The same command with a text that a rule throws on, or a creation in place of one that has no text to hash. */
export function poisoned(command: LedgerCommand): LedgerCommand {
  const { body } = command
  if (body.type === 'RecordTransaction') return { ...command, body: { ...body, note: POISON } }
  return { ...command, body: { type: 'CreateCategory', categoryId: 'c-8', name: POISON } }
}

/** Keys whose content hash throws on a poisoned command, as a fault of ours in a rule would. */
export function withPoison<T extends Keys>(keys: T): T {
  const guarded = (key: SubjectKeyOrShredded): SubjectKeyOrShredded => {
    if (key === 'shredded') return key
    return {
      ...key,
      hash(content) {
        if (Buffer.from(content).includes(POISON)) throw new Error('a fault of ours')
        return key.hash(content)
      },
    }
  }
  return {
    ...keys,
    async keysOf(userIds: readonly string[]) {
      const found = await keys.keysOf(userIds)
      return new Map(Array.from(found, ([userId, key]) => [userId, guarded(key)] as const))
    },
  }
}
