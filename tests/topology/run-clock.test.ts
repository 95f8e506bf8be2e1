import { describe, expect, test } from 'vitest'
import { commandCodec } from '../../schemas/codec.ts'
import { partitionOf } from '../../schemas/partition.ts'
import { topics } from '../../schemas/topics.ts'
import type { ClockProgress, ClockStore } from '../../sink/clock-store.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import type { RetentionRule } from '../../topology/log/retention.ts'
import { runClock } from '../../topology/run-clock.ts'

const PARTITIONS = 4
const NOON = Date.UTC(2026, 2, 14, 12)
const MIDNIGHT = Date.UTC(2026, 2, 14)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Everything that outlives a clock, and a clock that can be run for some turns. */
class World {
  now = NOON
  progress: ClockProgress | undefined
  readonly ledgers: { userId: string; erased: boolean }[]
  readonly log: MemoryLog = memoryLog({ partitions: PARTITIONS, seed: 3, now: () => this.now })
  readonly swept: (readonly RetentionRule[])[] = []
  readonly pauses: number[] = []
  unreadMs = 0

  constructor(users: number) {
    this.ledgers = Array.from({ length: users }, (_, n) => ({
      userId: `user-${String(n).padStart(5, '0')}`,
      erased: false,
    }))
  }

  readonly #store: ClockStore = {
    progress: () => Promise.resolve(this.progress),
    move: (progress) => {
      this.progress = progress
      return Promise.resolve()
    },
    ledgersAfter: (userId, limit) =>
      Promise.resolve(this.ledgers.filter((one) => one.userId > userId).slice(0, limit)),
    readTo: (consumers, partitions) =>
      Promise.resolve(
        Array.from({ length: partitions }, (_, n) => BigInt(consumers.length * 10 + n)),
      ),
    close: () => Promise.resolve(),
  }

  /** Runs until it has paused so often; each pause lets the clock go on. */
  async run(turns: number): Promise<void> {
    const stop = new AbortController()
    await runClock(
      {
        log: this.log,
        store: this.#store,
        answersMs: 3 * DAY_MS,
        now: () => this.now,
        retention: {
          sweep: (rules) => {
            this.swept.push(rules)
            return Promise.resolve([])
          },
          unreadMs: () =>
            Promise.resolve(
              new Map([
                [0, 0],
                [1, this.unreadMs],
              ]),
            ),
          close: () => Promise.resolve(),
        },
        pause: (ms) => {
          this.now += ms
          if (this.pauses.push(ms) >= turns) stop.abort()
          return Promise.resolve()
        },
        observe: { unread: () => {}, removed: () => {}, told: () => {} },
      },
      stop.signal,
    )
    this.pauses.length = 0
  }

  told() {
    return Array.from({ length: PARTITIONS }, (_, partition) =>
      this.log.committed({ topic: 'ledger.commands', partition }).map(({ key, value }) => {
        const { userId, commandId, initiator, body } = commandCodec.decode(value)
        expect(key.toString()).toBe(userId)
        expect(partitionOf(key, PARTITIONS)).toBe(partition)
        expect(initiator).toEqual({ kind: 'system', id: 'clock' })
        if (body.type !== 'AdvanceTime') throw new Error(`a clock that sends ${body.type}`)
        return { userId, commandId, until: body.until }
      }),
    ).flat()
  }
}

function users(told: readonly { readonly userId: string }[]): readonly string[] {
  return told.map(({ userId }) => userId).toSorted()
}

describe('the clock', () => {
  test('tells every ledger of the last midnight in UTC, once a day', async () => {
    const world = new World(1_203)
    await world.run(8)
    expect(users(world.told())).toEqual(world.ledgers.map(({ userId }) => userId))
    expect(new Set(world.told().map(({ until }) => until))).toEqual(new Set([MIDNIGHT]))
    await world.run(20)
    expect(world.told()).toHaveLength(1_203)
    world.now = NOON + DAY_MS
    await world.run(8)
    expect(world.told()).toHaveLength(2 * 1_203)
  })

  test('waits a minute after midnight, for clocks that are behind', async () => {
    const world = new World(1)
    world.now = MIDNIGHT + 20_000
    await world.run(3)
    expect(world.told().map(({ until }) => until)).toEqual([MIDNIGHT - DAY_MS])
    world.now = MIDNIGHT + 60_000
    await world.run(3)
    expect(world.told().map(({ until }) => until)).toEqual([MIDNIGHT - DAY_MS, MIDNIGHT])
  })

  test('tells of the last of the days that it missed, in one pass', async () => {
    const world = new World(2)
    await world.run(3)
    world.now += 30 * DAY_MS
    await world.run(3)
    expect(
      world
        .told()
        .map(({ until }) => until)
        .toSorted((a, b) => a - b),
    ).toEqual([MIDNIGHT, MIDNIGHT, MIDNIGHT + 30 * DAY_MS, MIDNIGHT + 30 * DAY_MS])
  })

  test('goes on where the one before it was, and what it repeats has the same ids', async () => {
    const world = new World(1_100)
    await world.run(1)
    expect(world.told()).toHaveLength(500)
    const noted = world.progress
    await world.run(1)
    expect(world.told()).toHaveLength(1_000)
    // The note of the second batch is lost.
    world.progress = noted
    await world.run(4)
    const ids = new Map<string, Set<string>>()
    for (const { userId, commandId } of world.told())
      ids.set(userId, (ids.get(userId) ?? new Set()).add(commandId))
    expect(world.told()).toHaveLength(1_600)
    expect(ids.size).toBe(1_100)
    expect(ids.values().every((own) => own.size === 1)).toBe(true)
    expect(new Set([...ids.values()].flatMap((own) => [...own])).size).toBe(1_100)
  })

  test('leaves erased ledgers alone, however many there are in a row', async () => {
    const world = new World(1_200)
    for (const one of world.ledgers.slice(1, 1_100)) one.erased = true
    await world.run(6)
    expect(world.told()).toHaveLength(101)
    expect(world.progress?.finished).toBe(true)
  })

  test('does not go back when its clock is set back', async () => {
    const world = new World(3)
    await world.run(3)
    world.now -= 2 * DAY_MS
    await world.run(3)
    expect(world.told()).toHaveLength(3)
    expect(world.progress?.until).toBe(MIDNIGHT)
  })

  test('tells nobody while commands wait, and looks for records to remove all the same', async () => {
    const world = new World(3)
    world.unreadMs = 60_000
    await world.run(100)
    expect(world.told()).toEqual([])
    expect(world.swept.length).toBeGreaterThan(3)
    expect(world.swept.length).toBeLessThan(10)
    world.unreadMs = 0
    await world.run(3)
    expect(world.told()).toHaveLength(3)
  })

  test('lets commands go once they are decided, and answers when they are old and in the tables', async () => {
    const world = new World(0)
    await world.run(1)
    const [commands, answers] = world.swept[0] ?? []
    expect(commands).toMatchObject({ topics: ['ledger.commands'], olderThanMs: 0 })
    expect(commands?.readTo).toBeUndefined()
    expect(answers).toMatchObject({
      topics: ['ledger.outcomes', 'ledger.dead-letters'],
      olderThanMs: 3 * DAY_MS,
      segmentMs: DAY_MS,
      readTo: [10n, 11n, 12n, 13n],
    })
  })

  test('lets what others read go after seven days, whoever has read it', async () => {
    const world = new World(0)
    await world.run(1)
    const [, , ofOthers] = world.swept[0] ?? []
    expect(ofOthers).toMatchObject({ olderThanMs: 7 * DAY_MS })
    const kept = new Set(['for-ever', 'until-unparked'])
    expect(world.swept[0]?.flatMap((rule) => rule.topics).toSorted()).toEqual(
      Object.values(topics)
        .filter(({ retention }) => !kept.has(retention))
        .map(({ name }) => name)
        .toSorted(),
    )
    expect(ofOthers?.readTo).toHaveLength(PARTITIONS)
    expect(ofOthers?.readTo?.every((offset) => offset >= 2n ** 62n)).toBe(true)
  })
})
