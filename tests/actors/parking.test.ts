import { describe, expect, test } from 'vitest'
import { answer, type PreparedCommand, type Sealer } from '../../actors/answer.ts'
import { park } from '../../actors/park.ts'
import { LedgerStates } from '../../actors/ledger-states.ts'
import { RECORD_BYTES_MAX } from '../../schemas/topics.ts'
import type { LedgerCommandBody, Outcome, UnparkLedger } from '../../schemas/types.ts'
import { created, deleted, groceries, opened, preferences } from '../support/example-commands.ts'
import {
  commandOf,
  folded,
  NOW,
  opened as openedEvent,
  prepared,
  states,
  transparentSealer,
  USER_ID,
} from '../support/specification.ts'

const FAILED_AT = 7

/** A ledger with an account, whose second command failed: events 1 and 2. */
function parkedLedger(): { readonly ledger: LedgerStates; readonly events: Buffer[] } {
  const ledger = new LedgerStates(USER_ID)
  const events = [...answer(ledger, wish(opened, 1), transparentSealer).events]
  events.push(...park(ledger, wish(groceries, FAILED_AT), transparentSealer).events)
  return { ledger, events }
}

function wish(
  body: LedgerCommandBody,
  offset: number,
  more: Partial<PreparedCommand> = {},
): PreparedCommand {
  return { ...prepared(commandOf({ body }, offset), offset, NOW), ...more }
}

function outcomeOf(ledger: LedgerStates, one: PreparedCommand): Outcome {
  return answer(ledger, one, transparentSealer).outcome
}

const unparking = (through: number, parkedSequence = 2): UnparkLedger => ({
  type: 'UnparkLedger',
  parkedSequence,
  through,
})

describe('a parked ledger', () => {
  test('sets every command aside, also one that it would know or refuse, and changes nothing', () => {
    const { ledger } = parkedLedger()
    const before = states(ledger)
    for (const body of [opened, groceries, deleted, created('a b', ''), preferences({})]) {
      const { outcome, events } = answer(ledger, wish(body, 8), transparentSealer)
      expect(outcome).toMatchObject({ verdict: 'parked', code: 'parked', eventIds: [] })
      expect(events).toEqual([])
    }
    expect(states(ledger)).toEqual(before)
  })

  test('that is erased refuses', () => {
    const { ledger } = parkedLedger()
    const erased = { ...transparentSealer, readable: false }
    expect(answer(ledger, wish(groceries, 8), erased).outcome.code).toBe('ledger-erased')
  })

  test('decides what is sent again, from behind the command that failed', () => {
    const { ledger } = parkedLedger()
    const again = (parkedSequence: number, commandOffset: number): Outcome =>
      outcomeOf(ledger, wish(groceries, 20, { resumed: { parkedSequence, commandOffset } }))
    expect(again(1, 8).code).toBe('parking-changed')
    expect(again(2, FAILED_AT).code).toBe('parking-changed')
    expect(again(2, 8).verdict).toBe('accepted')
    expect(again(2, 8).verdict).toBe('duplicate')
  })

  test('is the fold of its events, and so are the versions of the ledger itself', () => {
    const { ledger, events } = parkedLedger()
    const lastParked = 12
    for (const through of [9, 12]) {
      const { events: more } = answer(
        ledger,
        wish(unparking(through), 30 + through, { lastParked }),
        transparentSealer,
      )
      events.push(...more)
    }
    expect(states(folded(USER_ID, events))).toEqual(states(ledger))
    const own = events.map(openedEvent).filter(({ aggregateType }) => aggregateType === 'ledger')
    expect(own.map(({ version, body }) => [version, body])).toEqual([
      [1, { type: 'LedgerParked', through: FAILED_AT }],
      [2, { type: 'LedgerResumed', through: 9 }],
      [3, { type: 'LedgerUnparked', through: 12 }],
    ])
  })

  test('does not remember the command that failed: sent again it is decided', () => {
    const { ledger } = parkedLedger()
    const failing = wish(preferences({ locale: 'nb-NO' }), 40)
    park(ledger, failing, transparentSealer)
    expect(outcomeOf(ledger, wish(unparking(50, 3), 60)).verdict).toBe('accepted')
    expect(outcomeOf(ledger, { ...failing, offset: 70n }).verdict).toBe('accepted')
  })
})

describe('parking again', () => {
  test('by a command that is sent again keeps its place, so that the next one goes on behind it', () => {
    const { ledger } = parkedLedger()
    const resumed = { parkedSequence: 2, commandOffset: 9 }
    park(ledger, wish(groceries, 20, { resumed }), transparentSealer)
    expect(ledger.root.held.state.parking).toEqual({ sequence: 3, through: 9 })
  })

  test('by an unparking that fails skips nothing', () => {
    const { ledger } = parkedLedger()
    park(ledger, wish(unparking(30), 40), transparentSealer)
    expect(ledger.root.held.state.parking).toEqual({ sequence: 3, through: FAILED_AT })
  })
})

describe('UnparkLedger', () => {
  test.each([
    ['of another parking', unparking(12, 1), 'parkedSequence', 'parking-changed'],
    [
      'from before what is dealt with',
      unparking(FAILED_AT - 1),
      'parkedSequence',
      'parking-changed',
    ],
    [
      'that sent nothing while something waits',
      unparking(FAILED_AT),
      'through',
      'parked-commands-left',
    ],
  ])('%s is refused', (_, body, path, code) => {
    const { ledger } = parkedLedger()
    const outcome = outcomeOf(ledger, wish(body, 30, { lastParked: 12 }))
    expect(outcome).toMatchObject({ verdict: 'rejected', path, code, aggregateType: 'ledger' })
  })

  test.each([
    ['all that waited was sent', 12],
    ['nothing waited', undefined],
  ])('unparks when %s', (_, lastParked) => {
    const { ledger } = parkedLedger()
    const more = lastParked === undefined ? {} : { lastParked }
    outcomeOf(ledger, wish(unparking(12), 30, more))
    expect(ledger.root.held.state.parking).toBeNull()
    expect(outcomeOf(ledger, wish(groceries, 31)).verdict).toBe('accepted')
  })
})

test('a command whose event would not fit a record is refused and changes nothing', () => {
  const ledger = new LedgerStates(USER_ID)
  const large: Sealer = {
    ...transparentSealer,
    encode: (event) => {
      const { hash } = transparentSealer.encode(event)
      return { value: Buffer.alloc(RECORD_BYTES_MAX + 1), hash }
    },
  }
  const { outcome, events, touched } = answer(ledger, wish(opened, 1), large)
  expect(outcome).toMatchObject({ verdict: 'rejected', path: 'body', code: 'event-too-large' })
  expect([events, touched, states(ledger)]).toEqual([[], [], []])
  const fits: Sealer = {
    ...large,
    encode: (event) => ({ ...large.encode(event), value: Buffer.alloc(RECORD_BYTES_MAX) }),
  }
  expect(answer(ledger, wish(opened, 1), fits).outcome.verdict).toBe('accepted')
})
