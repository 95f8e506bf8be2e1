import { afterAll, expect, test, vi } from 'vitest'

// Test files share their modules: these are loaded anew, on top of a categoriser that throws, and forgotten afterwards.
vi.resetModules()
vi.doMock(import('../../actors/categoriser/candidates.ts'), async (original) => {
  const real = await original()
  return {
    ...real,
    candidatesOf(input) {
      if (input.description === 'HOSTILE') throw undefined
      return real.candidatesOf(input)
    },
  }
})
const { outcomesOf, start, send, wish } = await import('../support/actor-run.ts')
const { newWorld } = await import('../support/actor-world.ts')
const { groceries, opened, recorded } = await import('../support/example-commands.ts')
const { NOW } = await import('../support/specification.ts')
afterAll(() => {
  vi.doUnmock('../../actors/categoriser/candidates.ts')
  vi.resetModules()
})

const hostile = recorded({ transactionId: 't-hostile', description: 'HOSTILE' })

test('a categoriser that throws fails one command and parks its ledger, and the partition goes on', async () => {
  const world = newWorld({ seed: 4, partitions: 1, now: () => NOW })
  await send(world, wish(opened), wish(opened, 'user-2'))
  await send(world, wish(hostile), wish(groceries), wish(groceries, 'user-2'))
  const run = start(world)
  await run.answered()
  // Sent again it is set aside like any other of a parked ledger.
  await send(world, wish(hostile))
  await run.answered()
  await run.stop()
  expect(outcomesOf(world).map(({ userId, verdict }) => `${userId} ${verdict}`)).toEqual([
    'user-1 accepted',
    'user-2 accepted',
    'user-1 failed',
    'user-1 parked',
    'user-2 accepted',
    'user-1 parked',
  ])
  expect(world.log.committed({ topic: 'ledger.dead-letters', partition: 0 })).toHaveLength(1)
  expect(run.faults).toHaveLength(1)
})
