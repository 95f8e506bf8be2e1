import { describe, expect, test } from 'vitest'
import { commandCodec } from '../../schemas/codec.ts'
import { partitionOf } from '../../schemas/partition.ts'
import { topics } from '../../schemas/topics.ts'
import type { ClockProgress, ClockStore } from '../../sink/clock-store.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import type { RetentionRule } from '../../topology/log/retention.ts'
import { ACTOR_GROUP } from '../../topology/run-actors.ts'
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
  readonly zoneOf = new Map<string, string>()
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
    timeZones: () => Promise.resolve([...new Set(this.zoneOf.values())]),
    ledgersAfter: (userId, { zones, unset }, limit) => {
      const behind = this.ledgers.filter((one) => one.userId > userId)
      const looked = behind.slice(0, limit)
      const isHere = (zone: string | undefined) =>
        zone === undefined ? unset : zones.includes(zone)
      return Promise.resolve({
        userIds: looked
          .filter((one) => !one.erased && isHere(this.zoneOf.get(one.userId)))
          .map((one) => one.userId),
        through: looked.length < limit ? undefined : looked.at(-1)?.userId,
      })
    },
    parkingsOf: () => Promise.resolve([]),
    readTo: (consumers, partitions) =>
      Promise.resolve(
        Array.from({ length: partitions }, (_, n) => BigInt(consumers.length * 10 + n)),
      ),
    commandsDecided: (partitions) =>
      Promise.resolve(Array.from({ length: partitions }, (_, n) => BigInt(100 + n))),
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
  test('tells ledgers without a time zone of the last midnight in UTC, once a day', async () => {
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

  test('lets commands go once they are decided and checkpointed, and answers when they are old and in the tables', async () => {
    const world = new World(0)
    await world.run(1)
    const [commands, answers] = world.swept[0] ?? []
    expect(commands).toMatchObject({
      topics: ['ledger.commands'],
      olderThanMs: 0,
      groups: [ACTOR_GROUP],
      readTo: [100n, 101n, 102n, 103n],
    })
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
    expect(world.swept[0]?.flatMap((rule) => rule.topics).toSorted()).toEqual(
      Object.values(topics)
        .filter(({ retention }) => retention !== 'for-ever')
        .map(({ name }) => name)
        .toSorted(),
    )
    expect(ofOthers?.readTo).toHaveLength(PARTITIONS)
    expect(ofOthers?.readTo?.every((offset) => offset >= 2n ** 62n)).toBe(true)
  })
})

describe('the clock in time zones', () => {
  /** Some looks every quarter of an hour. */
  async function pass(world: World, until: number) {
    for (; world.now < until; world.now += HOUR_MS / 4) await world.run(3)
  }

  /** From an instant on, for so many hours: whom it told of which instants, in the order of these. */
  async function told(zones: readonly (string | undefined)[], from: string, hours: number) {
    const world = new World(zones.length)
    for (const [n, zone] of zones.entries()) {
      if (zone !== undefined) world.zoneOf.set(world.ledgers[n]?.userId ?? '', zone)
    }
    world.now = Date.parse(from)
    const until = world.now + hours * HOUR_MS
    // The first turns tell of the midnights before.
    await world.run(2 * zones.length + 3)
    const before = new Set(world.told().map(({ commandId }) => commandId))
    await pass(world, until)
    return world
      .told()
      .filter(({ commandId }) => !before.has(commandId))
      .toSorted((a, b) => a.until - b.until)
      .map((one) => {
        const zone = world.zoneOf.get(one.userId) ?? 'none'
        return `${new Date(one.until).toISOString().slice(0, 16)} ${zone}`
      })
  }

  test('tells each ledger after midnight where its user is', async () => {
    const zones = ['Europe/Oslo', 'Africa/Dar_es_Salaam', 'America/New_York', 'Asia/Kathmandu']
    expect(await told([...zones, undefined], '2026-01-14T12:00Z', 24)).toEqual([
      '2026-01-14T18:15 Asia/Kathmandu',
      '2026-01-14T21:00 Africa/Dar_es_Salaam',
      '2026-01-14T23:00 Europe/Oslo',
      '2026-01-15T00:00 none',
      '2026-01-15T05:00 America/New_York',
    ])
  })

  test('follows summer time: the day of the change has 23 hours, or 25', async () => {
    expect(await told(['Europe/Oslo'], '2026-03-28T12:00Z', 48)).toEqual([
      '2026-03-28T23:00 Europe/Oslo',
      '2026-03-29T22:00 Europe/Oslo',
    ])
    expect(await told(['Europe/Oslo'], '2026-10-24T12:00Z', 48)).toEqual([
      '2026-10-24T22:00 Europe/Oslo',
      '2026-10-25T23:00 Europe/Oslo',
    ])
  })

  test('tells of one o’clock where the clocks leap over midnight, and once where it comes twice', async () => {
    expect(await told(['Asia/Beirut'], '2026-03-28T12:00Z', 24)).toEqual([
      '2026-03-28T22:00 Asia/Beirut',
    ])
    // Between midnight for the first time and for the second.
    expect(await told(['America/Havana'], '2026-10-31T12:00Z', 48)).toEqual([
      '2026-11-01T04:00 America/Havana',
      '2026-11-02T05:00 America/Havana',
    ])
  })

  test('tells all zones that have midnight at one instant together, and each of 26 hours once', async () => {
    const zones = Array.from(
      { length: 27 },
      (_, n) => `Etc/GMT${n <= 12 ? '+' : '-'}${Math.abs(n - 12)}`,
    )
    const all = [...zones, ...zones.map((zone) => zone.toLowerCase())]
    const day = await told(all, '2026-01-14T12:30Z', 24)
    expect(day).toHaveLength(54)
    expect(new Set(day).size).toBe(54)
    expect(new Set(day.map((one) => one.slice(0, 16))).size).toBe(24)
  })

  test('tells a ledger that moved once for each day that began where it was then', async () => {
    const world = new World(1)
    const move = (zone: string) => world.zoneOf.set('user-00000', zone)
    move('America/New_York')
    world.now = Date.UTC(2026, 0, 14, 12)
    await world.run(5)
    move('Europe/Oslo')
    await pass(world, Date.UTC(2026, 0, 15, 12))
    expect(world.told().map(({ until }) => new Date(until).toISOString().slice(0, 16))).toEqual([
      '2026-01-14T05:00',
      '2026-01-14T23:00',
    ])
  })

  test('takes a zone that it does not know for the default', async () => {
    expect(await told(['Moon/Tycho'], '2026-01-14T12:00Z', 24)).toEqual([
      '2026-01-15T00:00 Moon/Tycho',
    ])
  })

  test('goes on with the pass of the zone it was in, and then with the next one', async () => {
    const world = new World(1_200)
    for (const [n, { userId }] of world.ledgers.entries())
      world.zoneOf.set(userId, n % 2 === 0 ? 'Europe/Oslo' : 'Asia/Tokyo')
    await world.run(2)
    const noted = world.progress
    expect(noted).toMatchObject({ finished: false, until: Date.UTC(2026, 2, 13, 15) })
    await world.run(12)
    expect(world.told()).toHaveLength(1_200)
    expect(new Set(users(world.told())).size).toBe(1_200)
  })
})
