import { expect, test } from 'vitest'
import { commandCodec, deadLetterCodec } from '../../schemas/codec.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { DeadLetter, LedgerCommand } from '../../schemas/types.ts'
import { deadLetterAt, deadLettersIn, openLetter, sendAgain } from '../../topology/dead-letters.ts'
import { commandRecord, newWorld, type World } from '../support/actor-world.ts'
import { created, groceries, opened, recorded } from '../support/example-commands.ts'
import { wish } from '../support/actor-run.ts'
import { runOnce } from '../support/poisoned-run.ts'
import { NOW } from '../support/specification.ts'

const PARTITIONS = 2
const poison = wish(created('poison', 'Pets'))

/** What an owner made of one record that it set aside. */
async function letterOf(
  value: Buffer,
  userId = 'user-1',
): Promise<{ readonly here: World; readonly letter: DeadLetter; readonly bytes: Buffer }> {
  const here = newWorld({ seed: 8, partitions: PARTITIONS, now: () => NOW })
  const key = Buffer.from(userId)
  const partition = partitionOf(key, PARTITIONS)
  await here.log.producer().append([{ topic: 'ledger.commands', partition, key, value }])
  await runOnce(here)
  const [record] = here.log.committed({ topic: 'ledger.dead-letters', partition })
  const letter = deadLetterCodec.decode(record?.value ?? Buffer.alloc(0))
  return { here, letter, bytes: openLetter(here.keys.operator, letter) }
}

async function againOf(value: Buffer, userId?: string): Promise<ReturnType<typeof sendAgain>> {
  const { here, letter, bytes } = await letterOf(value, userId)
  return sendAgain(letter, bytes, PARTITIONS, here.keys.operator)
}

const valueOf = (command: LedgerCommand): Buffer => commandCodec.encode(command)

test('a command that failed is sent again as it was', async () => {
  expect(await againOf(valueOf(poison))).toEqual({
    command: poison,
    record: commandRecord(poison, PARTITIONS),
  })
})

test('a parked command that failed when it was sent again is sent under its own name', async () => {
  const body = {
    type: 'ResumeCommand',
    parkedSequence: 1,
    commandOffset: 5,
    command: valueOf(poison),
  } as const
  const { here } = await letterOf(valueOf(poison))
  const place = commandRecord(wish(body), PARTITIONS)
  await here.log.producer().append([place])
  await runOnce(here)
  const letters = here.log.committed({
    topic: 'ledger.dead-letters',
    partition: place.partition,
  })
  const letter = deadLetterCodec.decode(letters.at(-1)?.value ?? Buffer.alloc(0))
  expect(letters).toHaveLength(2)
  const bytes = openLetter(here.keys.operator, letter)
  const again = sendAgain(letter, bytes, PARTITIONS, here.keys.operator)
  expect(again).toMatchObject({ command: { commandId: poison.commandId } })
})

test('a command in the wrong partition is sent to the right one', async () => {
  const command = wish(opened, 'user-1')
  const stranger = ['a', 'b', 'c', 'd'].find(
    (id) => partitionOf(Buffer.from(id), PARTITIONS) !== commandRecord(command, 2).partition,
  )
  expect(await againOf(valueOf(command), stranger)).toEqual({
    command,
    record: commandRecord(command, PARTITIONS),
  })
})

test.each([
  ['bytes that are no command', Buffer.from('not avro'), 'this release cannot read it'],
  [
    'what was truncated',
    valueOf(wish(recorded({ transactionId: 'poison', rawData: 'x'.repeat(17_000) }))),
    'only the first 16384 of its 17',
  ],
  ['a user id that is none', valueOf(wish(groceries, 'not an id')), 'it would be set aside again'],
])('%s is refused with the reason', async (_, value, problem) => {
  expect(await againOf(value)).toEqual({ problem: expect.stringContaining(problem) as unknown })
})

test('a letter is found by its address, and all of them in order', async () => {
  const { here, letter } = await letterOf(valueOf(poison))
  const all = await Array.fromAsync(deadLettersIn(here.log))
  expect(all).toMatchObject([{ letter, setAsideAt: NOW }])
  const { partition = 0, offset = 0n } = all[0] ?? {}
  expect(await deadLetterAt(here.log, partition, offset)).toEqual(all[0])
  expect(await deadLetterAt(here.log, partition, offset + 1n)).toBeUndefined()
  expect(await deadLetterAt(here.log, 1 - partition, offset)).toBeUndefined()
  expect(await deadLetterAt(here.log, PARTITIONS, 0n)).toBeUndefined()
})

test('letters that retention has removed are not asked for', async () => {
  const { here } = await letterOf(Buffer.from('noise'))
  const { partition } = commandRecord(poison, PARTITIONS)
  const place = { topic: 'ledger.dead-letters', partition } as const
  here.log.removeBefore(place, await here.log.end(place))
  await here.log.producer().append([commandRecord(poison, PARTITIONS)])
  await runOnce(here)
  const letters = await Array.fromAsync(deadLettersIn(here.log))
  expect(letters.map(({ letter }) => letter.cause)).toEqual(['failed'])
})

test('a letter does not open with another key', async () => {
  const { letter } = await letterOf(valueOf(poison))
  const other = newWorld({ seed: 1, now: () => NOW }).keys
  const wrong = (await other.keysOf(['user-9'])).get('user-9')
  if (wrong === undefined || wrong === 'shredded') throw new Error('a key is made')
  expect(() => openLetter(wrong.sealing, letter)).toThrow('does not open with this master key')
})
