import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { deadLetterCodec, eventCodec, outcomeCodec } from '../../schemas/codec.ts'
import type { TopicName } from '../../schemas/topics.ts'
import type { LedgerEvent, Outcome } from '../../schemas/types.ts'
import { householdModel } from '../support/household-model.ts'
import type { Traffic } from '../support/household-traffic.ts'
import { commandIdOf } from '../support/specification.ts'
import { judgeAnswers, orderOf } from './judge-answers.ts'
import { judgeEvents } from './judge-events.ts'
import type { Chunk } from './sender.ts'
import type { Witness } from './witness.ts'

const opened = (n: number): Traffic => ({
  commandId: commandIdOf(n),
  userId: 'user-1',
  body: { type: 'OpenAccount', accountId: `a-${n}`, kind: 'checking', currency: 'NOK' },
})
const chunk = (tries: number, ...numbers: readonly number[]): Chunk => ({
  commands: numbers.map(opened),
  tries,
})
const answer = (offset: number, n: number, changes: Partial<Outcome> = {}): Outcome => ({
  commandId: commandIdOf(n),
  userId: 'user-1',
  verdict: 'accepted',
  recordedAt: 0,
  commandPartition: 0,
  commandOffset: offset,
  aggregateType: 'account',
  aggregateId: `a-${n}`,
  version: 1,
  eventIds: [commandIdOf(100 + n)],
  firstSequence: n,
  path: null,
  code: null,
  sentence: null,
  ...changes,
})
const event = (n: number, changes: Partial<LedgerEvent> = {}): LedgerEvent => ({
  eventId: commandIdOf(100 + n),
  userId: 'user-1',
  sequence: n,
  aggregateType: 'account',
  aggregateId: `a-${n}`,
  version: 1,
  occurredAt: 0,
  recordedAt: 0,
  commandId: commandIdOf(n),
  initiator: { kind: 'user', id: 'user-1' },
  previousHash: Buffer.alloc(0),
  personal: null,
  body: { type: 'AccountClosed', accountId: `a-${n}` },
  ...changes,
})

function witness(
  end: number,
  values: { readonly [topic in TopicName]?: readonly Buffer[] },
): Witness {
  return {
    async *records(topic) {
      for (const [index, value] of (values[topic] ?? []).entries()) {
        yield { offset: BigInt(index), key: Buffer.from('user-1'), value, appendedAt: 0 }
      }
    },
    end: () => Promise.resolve(end),
    findings: [],
  }
}

const garbage = Buffer.from('garbage')
const hashOf = (value: Buffer): Buffer => createHash('sha256').update(value).digest()
const letter = (offset: number): Buffer =>
  deadLetterCodec.encode({
    cause: 'unreadable',
    detail: '',
    topic: 'ledger.commands',
    partition: 0,
    offset,
    recordedAt: 0,
    payloadHash: hashOf(garbage),
    payloadLength: garbage.length,
    payload: garbage,
  })

async function wrongOf(
  sent: readonly Chunk[],
  end: number,
  outcomes: readonly Outcome[],
  letters: readonly Buffer[] = [],
): Promise<number> {
  const held = witness(end, {
    'ledger.outcomes': outcomes.map((one) => outcomeCodec.encode(one)),
    'ledger.dead-letters': letters,
  })
  const setAside = new Map([[hashOf(garbage).toString('hex'), 1]])
  const { wrong } = await judgeAnswers(held, householdModel(), 0, sent, setAside)
  return wrong.length
}

const sent = [chunk(1, 1, 2), chunk(1, 3)]
const right = [answer(0, 1), answer(1, 2), answer(2, 3)]

describe('the judge of answers', () => {
  test('finds nothing where each command has its one answer', async () => {
    expect(await wrongOf(sent, 3, right)).toBe(0)
  })

  test.for([
    ['a command without an answer', right.slice(0, 2)],
    ['a command with two answers', [...right, answer(2, 3, { verdict: 'duplicate' })]],
    ['another verdict', [...right.slice(0, 2), answer(2, 3, { verdict: 'rejected' })]],
    ['commands in another order', [answer(0, 1), answer(1, 3), answer(2, 2)]],
    ['an answer to no command', [...right, answer(3, 4)]],
  ] as const)('finds %s', async ([, outcomes]) => {
    expect(await wrongOf(sent, 3, outcomes)).toBeGreaterThan(0)
  })

  test('finds a command that is not there', async () => {
    expect(await wrongOf([...sent, chunk(1, 4)], 3, right)).toBe(1)
  })

  test('finds a command that is there twice and was sent once', async () => {
    const again = [...right, answer(3, 3, { verdict: 'duplicate', eventIds: [] })]
    expect(await wrongOf(sent, 4, again)).toBe(1)
  })

  test('takes what was tried twice once or twice, and as a duplicate then', async () => {
    const tried = [chunk(2, 1, 2), chunk(1, 3)]
    expect(await wrongOf(tried, 3, right)).toBe(0)
    const again = [1, 2].map((n) => answer(n + 1, n, { verdict: 'duplicate', eventIds: [] }))
    expect(await wrongOf(tried, 5, [answer(0, 1), answer(1, 2), ...again, answer(4, 3)])).toBe(0)
    expect(orderOf(tried).missing()).toBe(3)
  })

  test('finds a dead letter that nobody expected, and one beside an answer', async () => {
    const one = [chunk(1, 1)]
    expect(await wrongOf(one, 2, [answer(0, 1)], [letter(1)])).toBe(0)
    expect(await wrongOf(one, 3, [answer(0, 1)], [letter(1), letter(2)])).toBe(1)
    expect(await wrongOf(one, 1, [answer(0, 1)], [letter(0)])).toBe(1)
  })
})

describe('the judge of events', () => {
  const named = new Set([1, 2].map((n) => commandIdOf(100 + n)))
  const wrongEvents = async (...events: readonly LedgerEvent[]): Promise<number> => {
    const values = events.map((one) => eventCodec.encode(one))
    return (await judgeEvents(witness(0, { 'ledger.events': values }), 0, named)).wrong.length
  }

  test('finds nothing where each named event is there once', async () => {
    expect(await wrongEvents(event(1), event(2))).toBe(0)
  })

  test.for([
    ['one that is not there', [event(1)]],
    ['one that is there twice', [event(1), event(2), event(2, { sequence: 3, version: 2 })]],
    ['one that no answer names', [event(1), event(2), event(3)]],
    ['a gap in the sequence', [event(1), event(2, { sequence: 3 })]],
    ['a gap in the versions', [event(1), event(2, { version: 2 })]],
  ] as const)('finds %s', async ([, events]) => {
    expect(await wrongEvents(...events)).toBe(1)
  })
})
