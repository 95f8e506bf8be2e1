import { describe, expect, test } from 'vitest'
import { answer, type Answer, type Sealer } from '../../actors/answer.ts'
import { park } from '../../actors/park.ts'
import { LedgerStates } from '../../actors/ledger-states.ts'
import { outcomeCodec } from '../../schemas/codec.ts'
import { eventIdOf } from '../../schemas/ids.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import {
  amended,
  created,
  deleted,
  groceries,
  opened,
  preferences,
  recorded,
} from '../support/example-commands.ts'
import {
  commandIdOf,
  commandOf,
  given,
  NOW,
  prepared,
  sent,
  states,
  transparentSealer,
  USER_ID,
} from '../support/specification.ts'

const pets = created('c-1', 'Pets')
const FIRST = commandIdOf(900)

describe('a creating command is recognised by the id of what it creates, for ever', () => {
  test.each([
    ['account', [], opened, { ...opened, kind: 'savings' }],
    ['transaction', [opened], groceries, recorded({ note: null })],
    ['category', [], pets, created('c-1', 'Boats')],
  ] as const)('an %s', (_what, before, body, other) => {
    const history = given(...before, sent(body, { commandId: FIRST }))
    history.when(body, { commandId: FIRST }).expectDuplicate()
    history.when(body, { commandId: commandIdOf(901) }).expectDuplicate()
    history.when(other, { commandId: FIRST }).expectRejected('id-taken')
    history.when(other).expectRejected('id-taken')
  })

  test.each([
    ['account', [], opened, { type: 'CloseAccount', accountId: 'a-1' }, { ...opened, name: null }],
    ['transaction', [opened], groceries, deleted, recorded({ amountMinor: 1n })],
    ['category', [], pets, { type: 'DeleteCategory', categoryId: 'c-1' }, created('c-1', 'Dogs')],
  ] as const)('an %s that is gone', (_what, before, body, gone, other) => {
    const history = given(...before, body, gone)
    history.when(body).expectDuplicate()
    history.when(other).expectRejected('id-taken')
  })

  test('even when the same content would be refused today', () => {
    given(opened, groceries, deleted, { type: 'CloseAccount', accountId: 'a-1' })
      .when(groceries)
      .expectDuplicate()
  })
})

describe('other accepted commands are remembered by their id', () => {
  const history: readonly LedgerCommandBody[] = [opened, groceries, pets]

  test.each<LedgerCommandBody>([
    { type: 'RenameAccount', accountId: 'a-1', name: 'Daily' },
    amended({ note: 'x' }),
    deleted,
    { type: 'OverrideCategory', transactionId: 't-1', categoryId: 'c-1' },
    { type: 'RenameCategory', categoryId: 'c-1', name: 'Animals' },
    { type: 'DeleteCategory', categoryId: 'c-1' },
    preferences({ locale: 'sw-TZ' }),
  ])('$type', (body) => {
    given(...history, sent(body, { commandId: FIRST }))
      .when(body, { commandId: FIRST })
      .expectDuplicate()
  })

  test('whatever they ask for the second time', () => {
    const renamed = { type: 'RenameAccount', accountId: 'a-1', name: 'Daily' } as const
    given(opened, sent(renamed, { commandId: FIRST }))
      .when({ ...renamed, name: 'Weekly' }, { commandId: FIRST })
      .expectDuplicate()
  })

  test('a creation does not enter the window, so its command id may be used for a change', () => {
    given(sent(opened, { commandId: FIRST }))
      .when({ type: 'RenameAccount', accountId: 'a-1', name: 'Daily' }, { commandId: FIRST })
      .expectEvent({ type: 'AccountRenamed' })
  })

  test('the last 256: one more forgets the first', () => {
    const rename = (n: number): LedgerCommandBody => ({
      type: 'RenameAccount',
      accountId: 'a-1',
      name: `Name ${n}`,
    })
    const renames = (count: number): readonly LedgerCommandBody[] =>
      Array.from({ length: count }, (_, n) => rename(n))
    const first = sent(rename(-1), { commandId: FIRST })
    const full = given(opened, first, ...renames(255))
    full.when(rename(-1), { commandId: FIRST }).expectDuplicate()
    expect(full.when(groceries).ledger.root.held.state.window).toHaveLength(256)
    const flushed = given(opened, first, ...renames(256))
    // The second of them is the oldest now.
    flushed.when(rename(0), { commandId: commandIdOf(2) }).expectDuplicate()
    const again = flushed
      .when(rename(-1), { commandId: FIRST })
      .expectEvent({ type: 'AccountRenamed' })
    expect(again.ledger.root.held.state.window).toHaveLength(256)
  })

  test('a rejected one is not remembered and may be decided again', () => {
    const ledger = new LedgerStates(USER_ID)
    const send = (body: LedgerCommandBody, commandId: string): string | null => {
      const command = commandOf(sent(body, { commandId }), 0)
      const { outcome } = answer(ledger, prepared(command, 0, NOW), transparentSealer)
      return outcome.code ?? outcome.verdict
    }
    expect(send(deleted, FIRST)).toBe('transaction-missing')
    expect(send(opened, commandIdOf(1))).toBe('accepted')
    expect(send(groceries, commandIdOf(2))).toBe('accepted')
    expect(send(deleted, FIRST)).toBe('accepted')
    expect(send(deleted, FIRST)).toBe('duplicate')
  })
})

describe('an expected version', () => {
  test('that is the version of the aggregate is accepted', () => {
    given(opened, groceries)
      .when(amended({ note: 'x' }), { expectedVersion: 1 })
      .expectEvent({ type: 'TransactionUpdated' })
    given().when(opened, { expectedVersion: 0 }).expectEvent({ type: 'AccountOpened' })
    given()
      .when(preferences({ locale: 'nb' }), { expectedVersion: 0 })
      .expectEvent({ type: 'PreferencesChanged' })
  })

  test('that is another one is a conflict, whatever the rule would say', () => {
    const history = given(opened, groceries)
    for (const expectedVersion of [0, 2, -1]) {
      history
        .when(amended({ note: 'x' }), { expectedVersion })
        .expectRejected('version-conflict', 'expectedVersion')
      history.when(amended({}), { expectedVersion }).expectRejected('version-conflict')
    }
    given().when(opened, { expectedVersion: 1 }).expectRejected('version-conflict')
  })

  test('counts the events of the aggregate, not those that are folded into it', () => {
    given(opened, groceries, recorded({ transactionId: 't-2' }))
      .when({ type: 'RenameAccount', accountId: 'a-1', name: 'Daily' }, { expectedVersion: 1 })
      .expectEvent({ type: 'AccountRenamed' })
  })

  test('does not make a repeated command a conflict', () => {
    const note = amended({ note: 'x' })
    given(opened, groceries, sent(note, { commandId: FIRST, expectedVersion: 1 }))
      .when(note, { commandId: FIRST, expectedVersion: 1 })
      .expectDuplicate()
    given(opened, groceries, note).when(groceries, { expectedVersion: 0 }).expectDuplicate()
  })
})

describe('an id', () => {
  test.each(['', ' ', 'a b', '-a', '../x', 'å', 'a\0', 'a\n', 'x'.repeat(65), '__proto__'])(
    'is not %j',
    (id) => {
      const { answer: refused } = given()
        .when({ ...opened, accountId: id })
        .expectRejected('id-invalid', 'accountId')
      // What cannot be an id is not written down as one.
      expect(refused.outcome.aggregateId).toBeNull()
      given().when(created(id, 'Pets')).expectRejected('id-invalid', 'categoryId')
      given(opened)
        .when(recorded({ transactionId: id }))
        .expectRejected('id-invalid', 'transactionId')
      given(opened)
        .when(recorded({ accountId: id }))
        .expectRejected('account-missing', 'accountId')
      given(opened)
        .when(recorded({ categoryId: id }))
        .expectRejected('category-unknown')
    },
  )

  test('may be as long as 64 characters', () => {
    given()
      .when({ ...opened, accountId: 'x'.repeat(64) })
      .expectEvent({ type: 'AccountOpened' })
  })
})

test('an erased ledger takes no command, not even one that it took before', () => {
  const history = given(opened, sent(groceries, { commandId: FIRST }))
  for (const body of [opened, groceries, deleted, pets, preferences({ locale: 'nb' })]) {
    history.when(body, { readable: false }).expectRejected('ledger-erased', 'userId')
  }
})

describe('an event', () => {
  const example = given(opened, groceries).when(amended({ occurredAt: NOW - 1 }), {
    commandId: FIRST,
    recordedAt: NOW + 5,
  })

  test('is numbered in its ledger and in its aggregate, and names its cause', () => {
    expect(example.event()).toMatchObject({
      userId: USER_ID,
      sequence: 3,
      version: 2,
      aggregateType: 'transaction',
      aggregateId: 't-1',
      commandId: FIRST,
      initiator: { kind: 'user', id: USER_ID },
      occurredAt: NOW - 1,
      recordedAt: NOW + 5,
    })
  })

  test('occurs at the log time when nothing else is said', () => {
    const { occurredAt, recordedAt } = given()
      .when(opened, { recordedAt: NOW + 5 })
      .event()
    expect([occurredAt, recordedAt]).toEqual([NOW + 5, NOW + 5])
  })

  test('changes the states that it folds into and no other', () => {
    expect(example.answer.touched.map(({ type, id }) => `${type} ${id}`)).toEqual([
      'root root',
      'transaction t-1',
      'account a-1',
    ])
    for (const { held } of example.answer.touched) expect(held.sequence).toBe(3)
  })
})

test('an outcome says where the command was and goes through bytes', () => {
  const { outcome } = given(opened).when(deleted).answer
  expect(outcome).toMatchObject({
    commandPartition: 0,
    commandOffset: 1,
    recordedAt: NOW,
    aggregateType: 'transaction',
    aggregateId: 't-1',
  })
  expect(outcomeCodec.decode(outcomeCodec.encode(outcome))).toEqual(outcome)
})

test('a command that the engine fails on leaves the ledger as it was and may be sent again', () => {
  const ledger = new LedgerStates(USER_ID)
  const send = (body: LedgerCommandBody, sealer: Sealer): Answer =>
    answer(ledger, prepared(commandOf(sent(body), 0), 0, NOW), sealer)
  send(opened, transparentSealer)
  const before = states(ledger)
  const encode = (): never => {
    throw new Error('planted')
  }
  expect(() => send(groceries, { ...transparentSealer, encode })).toThrow('planted')
  expect(states(ledger)).toEqual(before)
  expect(send(groceries, transparentSealer).outcome).toMatchObject({
    verdict: 'accepted',
    firstSequence: 2,
  })
})

test('a failed command is answered with its address, the event that parks its ledger and not a word of its content', () => {
  const failing = prepared(commandOf(sent(groceries), 0), 0, NOW)
  const { outcome: failed } = park(new LedgerStates(USER_ID), failing, transparentSealer)
  expect(failed).toMatchObject({
    verdict: 'failed',
    code: 'failed',
    aggregateType: 'transaction',
    aggregateId: 't-1',
    eventIds: [eventIdOf(USER_ID, 1)],
    firstSequence: 1,
  })
  expect(outcomeCodec.decode(outcomeCodec.encode(failed))).toEqual(failed)
})
