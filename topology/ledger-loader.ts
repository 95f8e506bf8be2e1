import type { LedgerHost, Loaded, LoadedState, Missing } from '../actors/host/host.ts'
import type { SubjectKeyOrShredded } from '../privacy/subject-key.ts'
import type { CheckpointStore } from '../sink/checkpoint-store.ts'
import { sealerOf } from './sealer.ts'
import { fromCheckpointRow } from './state-codec.ts'

/** The part of the keyring that an owner needs: a key for every user, made at first use. */
export type Keys = {
  keysOf(userIds: readonly string[]): Promise<ReadonlyMap<string, SubjectKeyOrShredded>>
  cached(userId: string): SubjectKeyOrShredded | undefined
}

/** Brings what is missing from rows into memory: keys, states, and the knowledge of what does not exist. */
export async function loadMissing(
  host: LedgerHost,
  { ledgers, transactions }: Missing,
  store: CheckpointStore,
  keys: Keys,
): Promise<void> {
  if (ledgers.length === 0 && transactions.length === 0) return
  const users = new Set([...ledgers, ...transactions.map(({ userId }) => userId)])
  const [found, rows] = await Promise.all([
    keys.keysOf([...users]),
    store.load({ ledgers, transactions }),
  ])
  const byUser = new Map<string, { states: LoadedState[]; absent: string[] }>()
  for (const userId of users) byUser.set(userId, { states: [], absent: [] })
  for (const row of rows) {
    const key = found.get(row.userId)
    // What a shredded key sealed is gone; its ledger stays empty and takes no commands.
    if (key === undefined || key === 'shredded') continue
    byUser.get(row.userId)?.states.push(fromCheckpointRow(key, row))
  }
  for (const { userId, transactionId } of transactions)
    byUser.get(userId)?.absent.push(transactionId)
  const loaded: Loaded[] = []
  for (const [userId, { states, absent }] of byUser) {
    const key = found.get(userId)
    if (key === undefined) throw new Error('the keyring makes a key for every user')
    loaded.push({ userId, sealer: sealerOf(key), states, absentTransactions: absent })
  }
  host.install(loaded)
}
