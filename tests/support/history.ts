/** A log in memory with the events of some commands in it, as an owner of each partition commits them. */
import { answer } from '../../actors/answer.ts'
import { LedgerStates } from '../../actors/ledger-states.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import { sealerOf } from '../../topology/sealer.ts'
import type { ReaderKeys } from '../../topology/table-reader.ts'
import { memoryKeys, type MemoryKeys } from './memory-keys.ts'
import { commandIdOf, commandOf, NOW, prepared } from './specification.ts'

export type Wish = { readonly userId: string; readonly body: LedgerCommandBody }
export type WrittenHistory = { readonly log: MemoryLog; readonly keys: MemoryKeys & ReaderKeys }

/** Every command is accepted, or the example is wrong. */
export async function historyOf(
  partitions: number,
  ...parts: readonly (readonly Wish[])[]
): Promise<WrittenHistory> {
  const log = memoryLog({ partitions, seed: 1, now: () => NOW })
  const memory = memoryKeys()
  const ledgers = new Map<string, LedgerStates>()
  const producer = log.producer()
  for (const [n, { userId, body }] of parts.flat().entries()) {
    const ledger = ledgers.get(userId) ?? new LedgerStates(userId)
    ledgers.set(userId, ledger)
    const key = (await memory.keysOf([userId])).get(userId) ?? 'shredded'
    const command = { ...commandOf({ body, commandId: commandIdOf(n) }, n), userId }
    const { events, outcome } = answer(ledger, prepared(command, n, NOW), sealerOf(key))
    if (outcome.verdict !== 'accepted') throw new Error(`command ${n} was ${outcome.verdict}`)
    const partition = partitionOf(Buffer.from(userId), partitions)
    const place = { topic: 'ledger.events', partition, key: Buffer.from(userId) } as const
    await producer.append(events.map((value) => ({ ...place, value })))
  }
  return { log, keys: { ...memory, existingKeysOf: (userIds) => memory.keysOf(userIds) } }
}
