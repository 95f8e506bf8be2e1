import { describe, expect, test } from 'vitest'
import { commandCodec } from '../../schemas/codec.ts'
import type { LateIds, LateMeaning } from '../../schemas/late-ids.ts'
import { withLateIds } from '../../topology/log/with-late-ids.ts'
import {
  deadLettersOf,
  isAnswered,
  outcomesOf,
  send,
  start,
  wish,
  type Run,
} from '../support/actor-run.ts'
import {
  commandRecord,
  commandsPlace,
  newWorld,
  turn,
  turnsUntil,
  type World,
} from '../support/actor-world.ts'
import { opened } from '../support/example-commands.ts'

const LATE = 41

/** A registry that answers when a test says so. */
function heldRegistry(): LateIds & {
  readonly asked: number[]
  answer(id: number, meaning: LateMeaning): void
} {
  const meanings = new Map<number, LateMeaning>()
  const asked: number[] = []
  let answered = Promise.withResolvers<void>()
  return {
    asked,
    meaning: (id) => meanings.get(id),
    async ask(ids) {
      asked.push(...ids)
      while (ids.some((id) => !meanings.has(id))) await answered.promise
    },
    answer(id, meaning) {
      meanings.set(id, meaning)
      answered.resolve()
      answered = Promise.withResolvers<void>()
    },
    close: () => undefined,
  }
}

/** A command as a producer writes it whose schema got this id. */
function withId(id: number, command: ReturnType<typeof wish>) {
  const record = commandRecord(command)
  const value = Buffer.from(record.value)
  value.writeInt32BE(id, 1)
  return { ...record, value }
}

async function running(
  work: (parts: {
    readonly world: World
    readonly registry: ReturnType<typeof heldRegistry>
    readonly run: Run
    readonly waits: (bigint | undefined)[]
  }) => Promise<void>,
): Promise<void> {
  const world = newWorld({ seed: 1, now: () => 0 })
  const registry = heldRegistry()
  const waits: (bigint | undefined)[] = []
  const log = withLateIds(world.log, registry, (_, wait) => waits.push(wait?.offset))
  const run = start(world, { log })
  try {
    await work({ world, registry, run, waits })
  } finally {
    await run.stop()
  }
}

describe('a command with an unknown schema id', () => {
  test('waits, and the ones behind it, while the ones before it are decided', () =>
    running(async ({ world, registry, waits }) => {
      await send(world, wish(opened, 'first'), withId(LATE, wish(opened, 'late')))
      await send(world, wish(opened, 'behind'))
      await turnsUntil(() => outcomesOf(world).length > 0 && registry.asked.length > 0)
      for (let turns = 0; turns < 50; turns++) await turn()
      expect(outcomesOf(world).map(({ userId }) => userId)).toEqual(['first'])
      expect(registry.asked).toEqual([LATE])
      const last = world.log.groupOffset(commandsPlace)
      expect(waits).toEqual([last])

      registry.answer(LATE, { ownId: commandCodec.schemaId })
      await turnsUntil(() => isAnswered(world))
      expect(outcomesOf(world).map(({ userId }) => userId)).toEqual(['first', 'late', 'behind'])
      expect(deadLettersOf(world)).toEqual([])
      expect(waits).toEqual([last, undefined])
    }))

  test('is a dead letter when the registry has nothing of ours under the id', () =>
    running(async ({ world, registry }) => {
      await send(world, withId(LATE, wish(opened, 'late')), wish(opened, 'behind'))
      await turnsUntil(() => registry.asked.length > 0)
      registry.answer(LATE, 'none')
      await turnsUntil(() => isAnswered(world))
      expect(deadLettersOf(world).map(({ cause, detail }) => [cause, detail])).toEqual([
        ['unreadable', expect.stringContaining(`unknown schema id ${LATE}`)],
      ])
      expect(outcomesOf(world).map(({ userId }) => userId)).toEqual(['behind'])
    }))

  test('does not keep its owner from draining, and the next owner waits for it again', async () => {
    const world = newWorld({ seed: 1, now: () => 0 })
    const registry = heldRegistry()
    const waits: (bigint | undefined)[] = []
    const log = withLateIds(world.log, registry, (_, wait) => waits.push(wait?.offset))
    await send(world, withId(LATE, wish(opened, 'late')))
    const run = start(world, { log })
    await turnsUntil(() => waits.length > 0)
    await run.stop()
    expect(run.states.at(-1)).toBe('draining')
    expect(waits.at(-1)).toBeUndefined()
    const next = start(world, { log })
    await turnsUntil(() => waits.at(-1) !== undefined)
    registry.answer(LATE, { ownId: commandCodec.schemaId })
    await turnsUntil(() => isAnswered(world))
    await next.stop()
    expect(outcomesOf(world).map(({ verdict }) => verdict)).toEqual(['accepted'])
  })

  test('is one of the registry alone: bytes without an id, or with one of a file, wait for nobody', () =>
    running(async ({ world, registry }) => {
      const own = commandCodec.schemaId
      const noId = { ...commandRecord(wish(opened)), value: Buffer.from('no record') }
      await send(world, noId, withId(own + 7, wish(opened)), wish(opened, 'known'))
      await turnsUntil(() => isAnswered(world))
      expect(registry.asked).toEqual([])
      expect(deadLettersOf(world)).toHaveLength(2)
    }))
})
