import { expect, test } from 'vitest'
import { outcomeCodec } from '../../schemas/codec.ts'
import { ACTOR_GROUP, runActors, type ActorDeps } from '../../topology/run-actors.ts'
import { commandRecord, newWorld, turnsUntil } from '../support/actor-world.ts'
import { opened, recorded } from '../support/example-commands.ts'
import { NOW } from '../support/specification.ts'
import { userIn, wish } from './hostile-records.ts'

const PARTITIONS = 4
const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)

test('a poison command in every partition fails alone: everybody else there goes on', async () => {
  const world = newWorld({ seed: 5, partitions: PARTITIONS, now: () => NOW })
  const { log, store } = world
  const poisoned = new Set(partitions.map((partition) => userIn(partition, PARTITIONS, 'poison')))
  const citizens = partitions.map((partition) => userIn(partition, PARTITIONS, 'citizen'))
  const keys: ActorDeps['keys'] = {
    ...world.keys,
    async keysOf(userIds) {
      const found = new Map(await world.keys.keysOf(userIds))
      for (const userId of userIds.filter((one) => poisoned.has(one))) {
        const key = found.get(userId)
        if (key === undefined || key === 'shredded') continue
        found.set(userId, {
          ...key,
          hash: () => {
            throw new Error('a fault of ours')
          },
        })
      }
      return found
    },
  }
  const producer = log.producer()
  const send = (users: Iterable<string>, body: typeof opened | ReturnType<typeof recorded>) =>
    producer.append(Array.from(users, (user) => commandRecord(wish(user, body, NOW), PARTITIONS)))
  await send(citizens, opened)
  await send(poisoned, opened)
  await send(citizens, recorded({ transactionId: 't-1' }))
  await send(poisoned, recorded({ transactionId: 't-1' }))
  await send(citizens, recorded({ transactionId: 't-2' }))

  const stop = new AbortController()
  const observe: ActorDeps['observe'] = { state() {}, committed() {}, fault() {} }
  const loops = partitions.map((partition) =>
    runActors(
      partition,
      {
        log,
        store,
        keys,
        observe,
        sharding: 8,
        // Small, so that poison and others share a batch in one place and not in another.
        limit: { records: 2, bytes: 1_000_000 },
        pace: { everyMs: 0, changedStates: 1, changedStatesMax: 100 },
        cellsMax: 100,
        now: () => 0,
      },
      stop.signal,
    ),
  )
  const isAnswered = (partition: number): boolean => {
    const place = { topic: 'ledger.commands', partition } as const
    const last = log.committed(place).at(-1)?.offset ?? 0n
    return (log.groupOffset({ ...place, group: ACTOR_GROUP }) ?? 0n) > last
  }
  await Promise.race([turnsUntil(() => partitions.every(isAnswered)), Promise.all(loops)])
  stop.abort()
  await Promise.all(loops)

  for (const partition of partitions) {
    const outcomes = log
      .committed({ topic: 'ledger.outcomes', partition })
      .map(({ value }) => outcomeCodec.decode(value))
    const verdicts = (users: (userId: string) => boolean): readonly string[] =>
      outcomes.filter(({ userId }) => users(userId)).map(({ verdict }) => verdict)
    expect(verdicts((userId) => citizens.includes(userId))).toEqual(Array(3).fill('accepted'))
    const [first, ...later] = verdicts((userId) => poisoned.has(userId))
    expect(first).toBe('failed')
    expect(later).toHaveLength(1)
    expect(['failed', 'parked']).toContain(later[0])
  }
})
