import { beforeEach, expect, test } from 'vitest'
import { readTopic } from '../../cli/read-topic.ts'
import { sealPersonal } from '../../privacy/personal.ts'
import { createdTransactionCodec, personalCodec } from '../../schemas/codec.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { CreatedTransaction } from '../../schemas/types.ts'
import { memoryLog, type MemoryLog } from '../../topology/log/memory-log.ts'
import { createdTransaction } from '../../topology/streams/transactions-created.ts'
import { groceries, opened } from '../support/example-commands.ts'
import { memoryKeys, type MemoryKeys } from '../support/memory-keys.ts'
import { storedEventsOf } from '../support/sourced-events.ts'

const topic = 'transactions.created'
const [, event] = storedEventsOf(opened, groceries)
const example = exampleOf()

function exampleOf(): CreatedTransaction {
  const record = event === undefined ? undefined : createdTransaction(event)
  if (record === undefined) throw new Error('an account and a transaction')
  return record
}

let log: MemoryLog
let keys: MemoryKeys
beforeEach(() => {
  log = memoryLog({ partitions: 2, seed: 5, now: () => 0 })
  keys = memoryKeys()
})

async function append(transactionId: string, userId: string): Promise<void> {
  const key = Buffer.from(userId)
  const texts = personalCodec.decode(example.personal ?? Buffer.of())
  const place = { userId, eventId: `e-${transactionId}` }
  const personal = sealPersonal(keys.original(userId), texts, place)
  const value = createdTransactionCodec.encode({ ...example, ...place, transactionId, personal })
  await log.producer().append([{ topic, partition: partitionOf(key, 2), key, value }])
}

type Printed = {
  readonly address: string
  readonly transactionId: string
  readonly personal: unknown
}

async function read(
  wanted: { readonly userId?: string; readonly after?: readonly string[] },
  stop?: AbortSignal,
  onLine = (): void => {},
): Promise<{ readonly code: number; readonly lines: readonly Printed[] }> {
  const lines: Printed[] = []
  const deps = { log, keys: { existingKeysOf: keys.keysOf } }
  const after = (wanted.after ?? []).map((address) => {
    const [partition = '', offset = ''] = address.split('/')
    return { partition: Number(partition), offset: BigInt(offset) }
  })
  const out = {
    result(line: string) {
      lines.push(JSON.parse(line) as Printed)
      onLine()
    },
    note: () => {},
    flushed: () => Promise.resolve(),
  }
  const { userId } = wanted
  const asked = { topic, after, ...(userId === undefined ? {} : { userId }) } as const
  const code = await readTopic(deps, asked, out, stop)
  return { code, lines }
}

test('prints every record with its address, its amount and its texts, until there are no more', async () => {
  await append('t-1', 'user-1')
  await append('t-2', 'user-2')
  const { code, lines } = await read({})
  expect(code).toBe(0)
  expect(lines.map(({ transactionId }) => transactionId).toSorted()).toEqual(['t-1', 't-2'])
  expect(lines[0]).toMatchObject({
    address: expect.stringMatching(/^[01]\/\d+$/),
    amount: '-125.50',
    currency: 'NOK',
    bookedOn: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    recordedAt: expect.stringMatching(/Z$/),
    personal: { description: 'corner shop 42', note: 'for the party' },
  })
})

test('prints those of one user only, and says when there are none', async () => {
  await append('t-1', 'user-1')
  await append('t-2', 'user-2')
  const { lines } = await read({ userId: 'user-2' })
  expect(lines.map(({ transactionId }) => transactionId)).toEqual(['t-2'])
  expect(await read({ userId: 'user-3' })).toEqual({ code: 1, lines: [] })
})

test('goes on behind the address that was printed last, and begins with what is kept', async () => {
  for (const id of ['t-1', 't-2', 't-3', 't-4']) await append(id, 'user-1')
  const { lines } = await read({})
  const idsAfter = async (...after: readonly string[]) =>
    (await read({ after })).lines.map(({ transactionId }) => transactionId)
  const [first, second, third] = lines
  expect(await idsAfter(second?.address ?? '')).toEqual(['t-3', 't-4'])
  const [partition = '', offset = ''] = third?.address.split('/') ?? []
  log.removeBefore({ topic, partition: Number(partition) }, BigInt(offset))
  expect(await idsAfter()).toEqual(['t-3', 't-4'])
  expect(await idsAfter(first?.address ?? '')).toEqual(['t-3', 't-4'])
})

test('prints what comes as well, until it is stopped', async () => {
  await append('t-1', 'user-1')
  const stop = new AbortController()
  let printed = 0
  const { code, lines } = await read({ userId: 'user-1' }, stop.signal, () => {
    if (++printed === 1) void append('t-2', 'user-1')
    else stop.abort()
  })
  expect(code).toBe(0)
  expect(lines.map(({ transactionId }) => transactionId)).toEqual(['t-1', 't-2'])
})

test('texts of a user whose key is shredded are not readable, the figures are', async () => {
  await append('t-1', 'user-1')
  keys.shred('user-1')
  const { lines } = await read({})
  expect(lines).toMatchObject([
    { transactionId: 't-1', amount: '-125.50', personal: 'not-readable' },
  ])
})
