import { afterEach, describe, expect, test, vi } from 'vitest'
import type { PreparedCommand, Sealer } from '../../actors/answer.ts'
import { LedgerHost, type Loaded, type Sharding } from '../../actors/host/host.ts'
import { emptyRoot } from '../../actors/root/root.ts'
import type { Held } from '../../actors/ledger-states.ts'
import { eventCodec } from '../../schemas/codec.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import {
  groceries,
  opened,
  reconciled,
  recorded,
  transferred,
} from '../support/example-commands.ts'
import { commandOf, NOW, prepared, transparentSealer } from '../support/specification.ts'

let sent = 0
function wish(body: LedgerCommandBody, userId = 'user-1'): PreparedCommand {
  const one = prepared(commandOf({ body }, ++sent), sent, NOW)
  return { ...one, command: { ...one.command, userId } }
}

function empty(userId = 'user-1', sealer: Sealer = transparentSealer): Loaded {
  return { userId, sealer, states: [], absentTransactions: [] }
}

/** A ledger of two events that are not of the states that were loaded with it. */
function withHistory(userId: string): Loaded {
  const held = { state: emptyRoot, sequence: 2, version: 2 }
  return { ...empty(userId), states: [{ type: 'root', id: 'root', held }] }
}

describe.each([64, 1, 'ledger'] as const satisfies Sharding[])(
  'a host with sharding %s',
  (sharding) => {
    const hosts: LedgerHost[] = []
    const newHost = (): LedgerHost => {
      const host = new LedgerHost(sharding)
      hosts.push(host)
      return host
    }
    afterEach(() => {
      for (const host of hosts.splice(0)) host.stop()
    })
    const verdicts = async (host: LedgerHost, ...commands: PreparedCommand[]): Promise<unknown> =>
      (await host.decide(commands)).map(({ outcome }) => outcome.code ?? outcome.verdict)

    test('answers in the order of the commands, whichever ledger they are for', async () => {
      const host = newHost()
      const users = Array.from({ length: 100 }, (_, n) => `user-${n}`)
      host.install(users.map((user) => empty(user)))
      const commands = [...users, ...users.toReversed()].map((user) => wish(opened, user))
      const answers = await host.decide(commands)
      expect(answers.map(({ outcome }) => outcome.commandId)).toEqual(
        commands.map(({ command }) => command.commandId),
      )
      expect(answers.map(({ outcome }) => outcome.verdict)).toEqual([
        ...users.map(() => 'accepted'),
        ...users.map(() => 'duplicate'),
      ])
    })

    test('user ids that are no names of actors have one ledger each', async () => {
      const host = newHost()
      const users = ['a b', 'ä', '', '/', 'a/b', '__proto__', 'constructor', '😀', 'a:b', 'A:B']
      host.install(users.map((user) => empty(user)))
      expect(await verdicts(host, ...users.map((user) => wish(opened, user)))).toEqual(
        users.map(() => 'accepted'),
      )
    })

    test('nobody is asked for a transaction whose id is no id, and its command is refused', async () => {
      const host = newHost()
      const odd = wish(recorded({ transactionId: 'nul \0 inside' }))
      expect(host.missing([odd])).toEqual({ ledgers: ['user-1'], transactions: [] })
      host.install([empty()])
      expect(await verdicts(host, odd)).toEqual(['id-invalid'])
    })

    test('a batch whose ledger is missing is refused with the reason, and does not wait for a time-out', async () => {
      const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined)
      const host = newHost()
      host.install([empty('user-1')])
      await expect(host.decide([wish(opened), wish(opened, 'user-2')])).rejects.toThrow(
        'a command for a ledger that was not loaded',
      )
      await new Promise((resolve) => setImmediate(resolve))
      expect(printed).not.toHaveBeenCalled()
      printed.mockRestore()
      await expect(host.decide([wish(opened), wish(opened, 'user-2')])).rejects.toThrow()
    })

    test('a rule that throws fails its command, and parks that ledger alone', async () => {
      const host = newHost()
      const broken: Sealer = {
        ...transparentSealer,
        contentHash: () => {
          throw new Error('a fault of ours')
        },
      }
      host.install([empty('user-1'), empty('user-2', broken)])
      const answers = await host.decide([
        wish(opened),
        wish(opened, 'user-2'),
        wish(groceries),
        wish(groceries, 'user-2'),
      ])
      expect(answers.map(({ outcome }) => outcome.verdict)).toEqual([
        'accepted',
        'failed',
        'accepted',
        'parked',
      ])
      const { events = [], fault } = answers[1] ?? {}
      expect(fault).toEqual(new Error('a fault of ours'))
      expect(events.map((value) => eventCodec.decode(value).body.type)).toEqual(['LedgerParked'])
      expect(answers[3]).toMatchObject({ events: [], touched: [] })
    })

    test('a ledger that cannot even be parked stops the batch, with the place of the command', async () => {
      const host = newHost()
      const broken: Sealer = {
        ...transparentSealer,
        encode: () => {
          throw new Error('a fault of ours')
        },
      }
      host.install([empty('user-1', broken)])
      const failing = { ...wish(opened), partition: 3, offset: 7n }
      await expect(host.decide([failing])).rejects.toMatchObject({
        code: 'SALDO_BATCH_FAILING',
        message:
          'the command at partition 3 offset 7 failed (a fault of ours), and its ledger cannot be parked: a fault of ours',
      })
    })

    test('a host that was stopped answers with an error instead of never', async () => {
      const host = newHost()
      host.install([empty()])
      await host.decide([wish(opened)])
      host.stop()
      await expect(host.decide([wish(opened)])).rejects.toThrow()
    })

    test('names what a batch needs and memory lacks, each once', async () => {
      const host = newHost()
      host.install([withHistory('user-1')])
      const commands = [
        wish(groceries),
        wish(groceries),
        wish(groceries, 'user-2'),
        wish(opened, 'user-2'),
      ]
      expect(host.missing(commands)).toEqual({
        ledgers: ['user-2'],
        transactions: [
          { userId: 'user-1', transactionId: 't-1' },
          { userId: 'user-2', transactionId: 't-1' },
        ],
      })
      host.install([
        { ...empty(), absentTransactions: ['t-1'] },
        { ...empty('user-2'), absentTransactions: ['t-1'] },
      ])
      expect(host.missing(commands)).toEqual({ ledgers: [], transactions: [] })
    })

    test('asks for no transaction where there never was one, until one has left memory', async () => {
      const host = newHost()
      host.install([empty()])
      await host.decide([wish(opened), wish(groceries)])
      const another = [wish(recorded({ transactionId: 't-2' }))]
      expect(host.missing(another)).toEqual({ ledgers: [], transactions: [] })
      host.evict(0)
      expect(host.missing(another)).toEqual({ ledgers: [], transactions: [] })

      const [stored] = host.ledger('user-1')?.transactions.values() ?? []
      if (stored !== undefined) stored.savedSequence = stored.held.sequence
      host.evict(0)
      expect(host.missing([wish(groceries)]).transactions).toHaveLength(1)
      expect(host.missing(another).transactions).toHaveLength(1)
    })

    test('asks for transactions of a ledger with more events than its other states have', () => {
      const host = newHost()
      host.install([withHistory('user-1')])
      expect(host.missing([wish(groceries)]).transactions).toHaveLength(1)
      host.install([empty('user-1')])
      expect(host.missing([wish(groceries)]).transactions).toHaveLength(1)
    })

    test('names every transaction that a command names, and nothing that is no id', () => {
      const host = newHost()
      const adjusting = (adjustmentId: string | null) => wish(reconciled({ adjustmentId }))
      const commands = [adjusting('t-7'), adjusting(null), adjusting('t\0'), adjusting('t 7')]
      const { transactions } = host.missing([wish(transferred({}))])
      expect(transactions.map(({ transactionId }) => transactionId)).toEqual(['from', 'to'])
      const odd = wish(recorded({ transactionId: 'a\0b' }))
      expect(host.missing([...commands, odd])).toEqual({
        ledgers: ['user-1'],
        transactions: [{ userId: 'user-1', transactionId: 't-7' }],
      })
    })

    test('what is loaded late does not replace what is in memory, absence neither', async () => {
      const host = newHost()
      host.install([empty()])
      await host.decide([wish(opened), wish(groceries)])
      const stale: Held<'account'> = { state: { status: 'unopened' }, sequence: 0, version: 0 }
      host.install([
        {
          ...empty(),
          states: [{ type: 'account', id: 'a-1', held: stale }],
          absentTransactions: ['t-1'],
        },
      ])
      expect(await verdicts(host, wish(opened), wish(groceries))).toEqual([
        'duplicate',
        'duplicate',
      ])
      const ledger = host.ledger('user-1')
      const older: Held<'account'> = { state: { status: 'unopened' }, sequence: 1, version: 1 }
      host.install([{ ...empty(), states: [{ type: 'account', id: 'a-1', held: older }] }])
      expect(ledger?.account('a-1').status).toBe('open')
    })

    // A stored transaction had left memory, and came back as absent because its row does not open any more.
    test('a ledger whose key was shredded takes no more commands, and creates nothing twice', async () => {
      const host = newHost()
      host.install([empty()])
      await host.decide([wish(opened), wish(groceries)])
      host.ledger('user-1')?.transactions.clear()
      const erased = empty('user-1', { ...transparentSealer, readable: false })
      host.install([{ ...erased, absentTransactions: ['t-1'] }])
      expect(await verdicts(host, wish(groceries))).toEqual(['ledger-erased'])
    })

    test('the ledgers that were used least recently leave first, whatever shard they are in', async () => {
      const host = newHost()
      const users = Array.from({ length: 20 }, (_, n) => `user-${n}`)
      host.install(users.map((user) => empty(user)))
      // What is refused changes nothing, so that all are clean; it is a use all the same.
      for (const n of [3, 17, 0, 11, 3]) await host.decide([wish(groceries, `user-${n}`)])
      const inMemory = () => users.filter((user) => host.ledger(user) !== undefined)
      const each = host.ledger('user-1')?.size ?? 0
      host.evict(4 * each)
      expect(inMemory()).toEqual(['user-0', 'user-3', 'user-11', 'user-17'])
      host.evict(2 * each)
      expect(inMemory()).toEqual(['user-3', 'user-11'])
      host.install([empty('user-1')])
      host.evict(2 * each)
      expect(inMemory()).toEqual(['user-1', 'user-3'])
    })

    test('only what is stored leaves memory', async () => {
      const host = newHost()
      host.install([empty('user-1'), empty('user-2')])
      await host.decide([wish(opened), wish(groceries), wish(opened, 'user-2')])
      host.evict(0)
      expect(host.ledger('user-1')?.size).toBe(4)

      const ledger = host.ledger('user-1')
      const save = (): void => {
        for (const cell of [ledger?.root, ledger?.profile, ...(ledger?.accounts.values() ?? [])]) {
          if (cell !== undefined) cell.savedSequence = cell.held.sequence
        }
      }
      save()
      host.evict(0)
      expect(host.ledger('user-1')?.size).toBe(4)

      const [transaction] = ledger?.transactions.values() ?? []
      if (transaction !== undefined) transaction.savedSequence = transaction.held.sequence
      await host.decide([wish(recorded({ transactionId: 't-2' }))])
      host.evict(0)
      expect([...(ledger?.transactions.keys() ?? [])]).toEqual(['t-2'])
      expect(host.ledger('user-1')).toBe(ledger)

      const [second] = ledger?.transactions.values() ?? []
      if (second !== undefined) second.savedSequence = second.held.sequence
      save()
      host.evict(1_000)
      expect(host.ledger('user-1')).toBe(ledger)
      host.evict(0)
      expect(host.ledger('user-1')).toBeUndefined()
      expect(host.ledger('user-2')).toBeDefined()
    })
  },
)
