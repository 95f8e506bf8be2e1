import { expect, test } from 'vitest'
import { eventCodec } from '../../schemas/codec.ts'
import type { ClockStore } from '../../sink/clock-store.ts'
import { DoneWithParked } from '../../topology/parked-retention.ts'
import { unpark } from '../../topology/unpark.ts'
import { eventsOf, outcomesOf, send, wish } from '../support/actor-run.ts'
import { newWorld, type World } from '../support/actor-world.ts'
import { created, groceries, opened, recorded } from '../support/example-commands.ts'
import { answered, runOnce, runOwners } from '../support/poisoned-run.ts'
import { commandIdOf, NOW } from '../support/specification.ts'

const place = { topic: 'ledger.parked', partition: 0 } as const
const poison = created('poison', 'Bad')
const note = (n: number) => recorded({ transactionId: `t-${n}` })

/** An archive that holds the events before this one. */
function archive({ log }: World, events = Infinity, erased: readonly string[] = []): ClockStore {
  return {
    parkingsOf: (userIds: readonly string[]) =>
      Promise.resolve(
        userIds.map((userId) => ({
          userId,
          erased: erased.includes(userId),
          event:
            log
              .committed({ topic: 'ledger.events', partition: 0 })
              .slice(0, events)
              .findLast(({ value }) => {
                const event = eventCodec.decode(value)
                return event.userId === userId && event.aggregateType === 'ledger'
              })?.value ?? null,
        })),
      ),
  } as Partial<ClockStore> as ClockStore
}

async function readTo(world: World, store = archive(world)): Promise<bigint> {
  return (await new DoneWithParked(world.log, store).readTo())[0] ?? -1n
}

/** Lets go what may. */
async function sweep(world: World): Promise<void> {
  const to = await readTo(world)
  if (to > (await world.log.start(place))) world.log.removeBefore(place, to)
}

let ids = 700_000
async function unparked(world: World, portion = 100, between = async () => {}) {
  const run = runOwners(world)
  const result = await unpark({
    log: {
      ...world.log,
      async end(at) {
        await between()
        return world.log.end(at)
      },
    },
    keys: { ...world.keys, existingKeysOf: (userIds) => world.keys.keysOf(userIds) },
    userId: 'user-1',
    newId: () => commandIdOf(++ids),
    now: () => NOW,
    portion: { records: portion, bytes: 1 << 20 },
  })
  await answered(world, run)
  await run.stop()
  return result
}

/** Two ledgers parked, with four commands and one behind them. */
async function parkedWorld(): Promise<World> {
  const world = newWorld({ seed: 4, partitions: 1, now: () => NOW })
  await send(world, wish(opened), wish(poison), wish(opened, 'user-2'), wish(poison, 'user-2'))
  await send(world, wish(groceries), wish(note(2)), wish(note(3)), wish(note(4)))
  await send(world, wish(groceries, 'user-2'))
  await runOnce(world)
  expect(world.log.committed(place)).toHaveLength(5)
  return world
}

test('nothing that waits goes, and what was decided goes up to the first that waits', async () => {
  const world = await parkedWorld()
  expect(await readTo(world)).toBe(world.log.committed(place)[0]?.offset)
  await unparked(world)
  expect(await readTo(world)).toBe(world.log.committed(place)[4]?.offset)
})

test('an archive that is behind lets nothing go that it does not know of', async () => {
  const world = await parkedWorld()
  const first = world.log.committed(place)[0]?.offset
  for (let known = 0; known <= eventsOf(world).length; known++)
    expect(await readTo(world, archive(world, known))).toBe(first)
  const before = eventsOf(world).length
  await unparked(world)
  expect(await readTo(world, archive(world, before))).toBe(first)
})

test('what belongs to an erased ledger goes', async () => {
  const world = await parkedWorld()
  const fifth = world.log.committed(place)[4]?.offset
  expect(await readTo(world, archive(world, Infinity, ['user-1']))).toBe(fifth)
  expect(await readTo(world, archive(world, Infinity, ['user-1', 'user-2']))).toBe(
    await world.log.end(place),
  )
})

test('commands that leave while their ledger is unparked are decided once, and those behind them too', async () => {
  const world = await parkedWorld()
  const left: bigint[] = []
  const { end, answers } = await unparked(world, 1, async () => {
    await sweep(world)
    left.push(await world.log.start(place))
  })
  expect({ end, answers }).toEqual({ end: 'unparked', answers: { accepted: 4 } })
  expect(new Set(left).size).toBeGreaterThan(2)
  await sweep(world)
  expect(world.log.committed(place)).toHaveLength(1)
  // Parked once more, and what was let go is not missed.
  await send(world, wish(created('poison-2', 'Bad')), wish(note(5)))
  await runOnce(world)
  expect(await unparked(world)).toEqual({ end: 'unparked', answers: { accepted: 1 } })
  expect(outcomesOf(world).at(-1)?.verdict).toBe('accepted')
})

test('what cannot be decoded stays', async () => {
  const world = newWorld({ seed: 4, partitions: 1, now: () => NOW })
  const producer = world.log.producer()
  await producer.append([{ ...place, key: Buffer.from('user-1'), value: Buffer.from('newer') }])
  expect(await readTo(world)).toBe(world.log.committed(place)[0]?.offset)
})
