import { expect, test } from 'vitest'
import {
  producer,
  type CommandProducer,
  type NewCommand,
  type NewCommandBody,
} from '../../connectors/producer.ts'
import { commandCodec } from '../../schemas/codec.ts'
import { SaldoError } from '../../schemas/errors.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { LedgerCommand } from '../../schemas/types.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import { memoryLog, type LogFault, type MemoryLog } from '../../topology/log/memory-log.ts'
import { turn } from '../support/actor-world.ts'

const PARTITIONS = 3

function logWith(fault: () => LogFault | Promise<LogFault> = () => 'none'): MemoryLog {
  return memoryLog({
    partitions: PARTITIONS,
    seed: 1,
    now: () => 1,
    fault: (step) => (step === 'append' ? fault() : 'none'),
  })
}

function commandsIn(log: MemoryLog): readonly LedgerCommand[] {
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    log.committed({ topic: 'ledger.commands', partition }),
  )
    .flat()
    .map(({ value }) => commandCodec.decode(value))
}

const open: NewCommandBody = {
  type: 'OpenAccount',
  accountId: 'main',
  kind: 'checking',
  currency: 'NOK',
}

function rename(name: string, userId = 'u-1'): NewCommand {
  return { userId, body: { type: 'RenameAccount', accountId: 'main', name } }
}

function namesIn(log: MemoryLog): readonly string[] {
  return commandsIn(log).map(({ body }) => ('name' in body ? (body.name ?? '') : ''))
}

async function refusal(sending: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof SaldoError)) throw new Error('it was not refused')
  return { code: error.code, message: error.message }
}

/** What JavaScript hands in where no compiler looks. */
function untyped(commands: CommandProducer, command: unknown): Promise<unknown> {
  return commands.send(command as NewCommand)
}

test('a command that was sent is in the partition of its user, with its defaults filled in', async () => {
  const log = logWith()
  const commands = await producer({ log })
  const { commandId } = await commands.send({ userId: 'u-1', body: open })
  const partition = partitionOf(Buffer.from('u-1'), PARTITIONS)
  const [record] = log.committed({ topic: 'ledger.commands', partition })
  expect(record?.key.toString()).toBe('u-1')
  expect(commandCodec.decode(record?.value ?? Buffer.of())).toEqual({
    commandId,
    userId: 'u-1',
    issuedAt: expect.any(Number),
    expectedVersion: null,
    initiator: { kind: 'user', id: 'u-1' },
    traceparent: null,
    body: { ...open, name: null, bankName: null },
  })
})

test('a command id of the caller is kept, and two commands without one get two', async () => {
  const log = logWith()
  const commands = await producer({ log })
  const commandId = '00000000-0000-4000-8000-000000000001'
  expect(await commands.send({ commandId, userId: 'u-1', body: open })).toEqual({ commandId })
  const [one, other] = await Promise.all([commands.send(rename('a')), commands.send(rename('b'))])
  expect(one.commandId).not.toBe(other.commandId)
})

test('an amount is a decimal or minor units, and never both or a number', async () => {
  const log = logWith()
  const commands = await producer({ log })
  const body = { type: 'RecordTransaction', accountId: 'main', currency: 'NOK' } as const
  await commands.send({ userId: 'u-1', body: { ...body, transactionId: 't-1', amount: '-12.50' } })
  await commands.send({ userId: 'u-1', body: { ...body, transactionId: 't-2', amountMinor: -1n } })
  const amounts = commandsIn(log).map((sent) => 'amountMinor' in sent.body && sent.body.amountMinor)
  expect(amounts).toEqual([-1250n, -1n])
  const both = { ...body, transactionId: 't-3', amount: '1.00', amountMinor: 100n }
  expect((await refusal(commands.send({ userId: 'u-1', body: both }))).message).toMatch(
    /^body\.amountMinor: amount is given as well$/,
  )
  const float = { ...body, transactionId: 't-3', amount: 12.5 }
  expect((await refusal(untyped(commands, { userId: 'u-1', body: float }))).message).toMatch(
    /^body\.amount: 12\.5 is a JSON number/,
  )
  expect(commandsIn(log)).toHaveLength(2)
})

const circular: { self?: unknown } = {}
circular.self = circular

test.for<readonly [string, unknown, RegExp]>([
  ['a field that there is not', { ...rename('a'), user: 'x' }, /^user: there is no such field/],
  ['a bigint in the wrong place', { userId: 1n, body: open }, /^userId: "1n" is not an id/],
  ['an object that holds itself', { userId: circular, body: open }, /^userId: object is not an id/],
  ['no body', { userId: 'u-1' }, /^body: is missing$/],
  ['no object', 'OpenAccount', /^"OpenAccount" is not an object$/],
  ['a type that there is not', { userId: 'u', body: { type: 'X' } }, /^body\.type: "X" is none of/],
])('%s is refused with its path and a sentence, and sent nowhere', async ([, command, message]) => {
  const log = logWith()
  const commands = await producer({ log })
  const refused = await refusal(untyped(commands, command))
  expect(refused.code).toBe('SALDO_INPUT_INVALID')
  expect(refused.message).toMatch(message)
  expect(commandsIn(log)).toEqual([])
})

test('a command that the engine would set aside as too large is refused', async () => {
  const commands = await producer({ log: logWith() })
  const { code } = await refusal(commands.send(rename('a'.repeat(300_000))))
  expect(code).toBe('SALDO_RECORD_TOO_LARGE')
})

test('commands that are sent without waiting keep their order and travel together', async () => {
  const inner = logWith()
  const appends: number[] = []
  const log: MemoryLog = {
    ...inner,
    producer(options) {
      const counted = inner.producer(options)
      const append = (records: readonly NewRecord[]): Promise<void> => {
        appends.push(records.length)
        return counted.append(records)
      }
      return { ...counted, append }
    },
  }
  const commands = await producer({ log })
  const names = Array.from({ length: 1200 }, (_, index) => `name ${index}`)
  await Promise.all(names.map((name) => commands.send(rename(name))))
  expect(namesIn(inner)).toEqual(names)
  expect(appends).toEqual([500, 500, 200])
})

test('a batch ends before it is larger than a million bytes', async () => {
  let appends = 0
  const log = logWith(() => {
    appends++
    return 'none'
  })
  const commands = await producer({ log })
  const long = 'a'.repeat(240_000)
  await Promise.all(Array.from('abcdef', (name) => commands.send(rename(`${name}${long}`))))
  expect(appends).toBe(2)
})

test('an append whose answer was lost is stored once', async () => {
  const log = logWith(() => 'in-doubt')
  const commands = await producer({ log })
  await commands.send(rename('once'))
  expect(namesIn(log)).toEqual(['once'])
})

test('what waits behind a command that failed fails as well, and what is sent later goes on', async () => {
  let appends = 0
  const log = logWith(() => (++appends === 1 ? 'fail' : 'none'))
  const commands = await producer({ log })
  const names = Array.from({ length: 700 }, (_, index) => `name ${index}`)
  const ends = await Promise.allSettled(names.map((name) => commands.send(rename(name))))
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
  expect(appends).toBe(1)
  await commands.send(rename('later'))
  expect(namesIn(log)).toEqual(['later'])
})

test('closing waits for what was sent, and what is sent after it is refused', async () => {
  const held = Promise.withResolvers<LogFault>()
  const log = logWith(() => held.promise)
  const commands = await producer({ log })
  const sending = commands.send(rename('last'))
  let closed = false
  const closing = commands.close().then(() => {
    closed = true
  })
  await turn()
  expect(closed).toBe(false)
  held.resolve('none')
  await closing
  expect(namesIn(log)).toEqual(['last'])
  await sending
  expect((await refusal(commands.send(rename('late')))).message).toBe('the producer is closed')
  await commands.close()
})
