/** One log, one store and keys in memory, for suites that run the actor loop over them. */
import { commandCodec, eventCodec } from '../../schemas/codec.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { LedgerCommand } from '../../schemas/types.ts'
import type { CheckpointStore } from '../../sink/checkpoint-store.ts'
import {
  memoryCheckpointStore,
  type MemoryCheckpointStore,
} from '../../sink/memory-checkpoint-store.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import type { Log, NewRecord } from '../../topology/log/log.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
import { memoryKeys, type MemoryKeys } from './memory-keys.ts'
import type { Remains } from './history-judge.ts'

export type World = {
  readonly log: MemoryLog
  readonly store: CheckpointStore
  readonly keys: MemoryKeys
}

export function newWorld(options: {
  readonly seed: number
  readonly partitions?: number
  readonly now: () => number
}): World & { readonly store: MemoryCheckpointStore } {
  const { seed, partitions = 1, now } = options
  return {
    log: memoryLog({ partitions, seed, now }),
    store: memoryCheckpointStore(),
    keys: memoryKeys(),
  }
}

export function commandRecord(command: LedgerCommand, partitions = 1): NewRecord {
  const key = Buffer.from(command.userId)
  const partition = partitionOf(key, partitions)
  return { topic: 'ledger.commands', partition, key, value: commandCodec.encode(command) }
}

export const commandsPlace = { group: ACTOR_GROUP, topic: 'ledger.commands', partition: 0 } as const

/** Everything that a run left in a partition. Takes the checkpoints over to read them: nobody runs any more. */
export async function remainsOf(world: World, partition = 0): Promise<Remains> {
  const committed = (topic: NewRecord['topic']) => world.log.committed({ topic, partition })
  return await remainsIn(
    world,
    {
      commands: committed('ledger.commands'),
      events: committed('ledger.events'),
      outcomes: committed('ledger.outcomes'),
      deadLetters: committed('ledger.dead-letters'),
      parked: committed('ledger.parked'),
      groupOffset: world.log.groupOffset({ ...commandsPlace, partition }),
    },
    partition,
  )
}

/** The same of any log, whose records somebody has read. */
export async function remainsIn(
  { log, store, keys }: Omit<World, 'log'> & { readonly log: Log },
  logged: Omit<Remains, 'checkpoint' | 'isErased' | 'keyOf'>,
  partition = 0,
): Promise<Remains> {
  const { events } = logged
  const known = events.map(({ value }) => eventCodec.decode(value))
  const { eventsOffset, commandsOffset } = await store.takeOver(partition, log.identity)
  const transactions = new Map(
    known.flatMap(({ userId, body }) =>
      'transactionId' in body
        ? [[`${userId}/${body.transactionId}`, { userId, transactionId: body.transactionId }]]
        : [],
    ),
  )
  const rows = await store.load({
    ledgers: [...new Set(known.map(({ userId }) => userId))],
    transactions: [...transactions.values()],
  })
  return {
    ...logged,
    checkpoint: { eventsOffset, commandsOffset, rows },
    isErased: keys.isShredded,
    keyOf: keys.original,
  }
}

/** One turn of the event loop: actors take their messages in turns of their own. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Lets others work until it is so. */
export async function turnsUntil(isSo: () => boolean, turnsMax = 20_000): Promise<void> {
  for (let turns = 0; !isSo(); turns++) {
    if (turns === turnsMax) throw new Error(`not so after ${turnsMax} turns`)
    await turn()
  }
}
