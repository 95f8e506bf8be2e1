import { describe, expect, test } from 'vitest'
import { bookedOnOf, dayStartOf } from '../../actors/transaction/booking-date.ts'
import { epochDayOf, isoDateOf } from '../../schemas/dates.ts'
import {
  amended,
  booking,
  groceries,
  opened,
  preferences,
  recorded,
} from '../support/example-commands.ts'
import { given, NOW, sent } from '../support/specification.ts'

const DAY_MS = 86_400_000
const TODAY = Math.floor(NOW / DAY_MS)

function at(instant: string): number {
  return Temporal.Instant.from(instant).epochMilliseconds
}

function bookedOn(timeZone: string, instant: string): string {
  return isoDateOf(bookedOnOf(at(instant), timeZone))
}

describe('the booking date is the calendar date in the time zone', () => {
  test.each([
    ['UTC', '2026-03-14T23:59:59.999Z', '2026-03-14'],
    ['UTC', '2026-03-15T00:00:00Z', '2026-03-15'],
    // One hour ahead in winter, two in summer.
    ['Europe/Oslo', '2026-01-31T22:59:59.999Z', '2026-01-31'],
    ['Europe/Oslo', '2026-01-31T23:00:00Z', '2026-02-01'],
    ['Europe/Oslo', '2026-06-30T21:59:59.999Z', '2026-06-30'],
    ['Europe/Oslo', '2026-06-30T22:00:00Z', '2026-07-01'],
    // Both sides of the change to summer time, on its own day.
    ['Europe/Oslo', '2026-03-28T22:59:59Z', '2026-03-28'],
    ['Europe/Oslo', '2026-03-28T23:00:00Z', '2026-03-29'],
    ['Europe/Oslo', '2026-03-29T21:59:59Z', '2026-03-29'],
    ['Europe/Oslo', '2026-03-29T22:00:00Z', '2026-03-30'],
    // Three hours ahead all year.
    ['Africa/Dar_es_Salaam', '2026-03-14T20:59:59.999Z', '2026-03-14'],
    ['Africa/Dar_es_Salaam', '2026-03-14T21:00:00Z', '2026-03-15'],
    ['Africa/Dar_es_Salaam', '2026-09-14T21:00:00Z', '2026-09-15'],
    ['America/New_York', '2026-03-15T03:59:59Z', '2026-03-14'],
    ['Pacific/Kiritimati', '2026-03-14T10:00:00Z', '2026-03-15'],
    ['Asia/Kathmandu', '2026-03-14T18:15:00Z', '2026-03-15'],
  ])('%s at %s is %s', (timeZone, instant, date) => {
    expect(bookedOn(timeZone, instant)).toBe(date)
  })

  test('of the profile, at the moment of the command', () => {
    const late = recorded({ occurredAt: at('2026-03-13T23:30:00Z') })
    given(opened)
      .when(late)
      .expectEvent({ type: 'TransactionCreated', bookedOn: epochDayOf('2026-03-13') ?? -1 })
    given(opened, preferences({ timeZone: 'Europe/Oslo' }))
      .when(late)
      .expectEvent({ type: 'TransactionCreated', bookedOn: epochDayOf('2026-03-14') ?? -1 })
    // A later change of the zone does not move what is booked.
    given(opened, late, preferences({ timeZone: 'Europe/Oslo' }))
      .when(amended({ note: 'x' }))
      .expectEvent({
        type: 'TransactionUpdated',
        after: booking({ bookedOn: epochDayOf('2026-03-13') ?? -1 }),
      })
  })

  test('unless the bank gives one', () => {
    given(opened)
      .when(recorded({ bookedOn: TODAY - 3 }))
      .expectEvent({ type: 'TransactionCreated', bookedOn: TODAY - 3 })
  })

  test('and moves with an amended time, unless the amendment gives one', () => {
    const recordedOnce = given(opened, groceries)
    recordedOnce.when(amended({ occurredAt: NOW - 2 * DAY_MS })).expectState('transaction', 't-1', {
      occurredAt: NOW - 2 * DAY_MS,
      booking: booking({ bookedOn: TODAY - 2 }),
    })
    recordedOnce
      .when(amended({ occurredAt: NOW - 2 * DAY_MS, bookedOn: TODAY - 1 }))
      .expectState('transaction', 't-1', {
        booking: booking({ bookedOn: TODAY - 1 }),
      })
    recordedOnce.when(amended({ bookedOn: TODAY - 1 })).expectState('transaction', 't-1', {
      occurredAt: NOW,
      booking: booking({ bookedOn: TODAY - 1 }),
    })
  })
})

describe('dates reach from 1970 to one year after the log time', () => {
  const LAST_DAY = TODAY + 366

  test('of the occurrence, to the millisecond', () => {
    for (const occurredAt of [0, (LAST_DAY + 1) * DAY_MS - 1]) {
      given(opened).when(recorded({ occurredAt })).expectEvent({ type: 'TransactionCreated' })
    }
    // The farthest that a `long` kept as a number reaches.
    const farthest = 2 ** 53 - 2
    const tooFar = [-1, (LAST_DAY + 1) * DAY_MS, farthest, -farthest]
    for (const occurredAt of tooFar) {
      given(opened).when(recorded({ occurredAt })).expectRejected('date-out-of-range', 'occurredAt')
      given(opened, groceries)
        .when(amended({ occurredAt }))
        .expectRejected('date-out-of-range', 'occurredAt')
    }
  })

  test('of the booking, to the day', () => {
    for (const day of [0, LAST_DAY]) {
      given(opened)
        .when(recorded({ bookedOn: day }))
        .expectEvent({ type: 'TransactionCreated', bookedOn: day })
    }
    for (const day of [-1, LAST_DAY + 1, 2 ** 31 - 1, -(2 ** 31)]) {
      given(opened)
        .when(recorded({ bookedOn: day }))
        .expectRejected('date-out-of-range', 'bookedOn')
      given(opened, groceries)
        .when(amended({ bookedOn: day }))
        .expectRejected('date-out-of-range', 'bookedOn')
    }
  })

  test('also where the time zone puts the date on the other side', () => {
    const west = preferences({ timeZone: 'America/New_York' })
    const east = preferences({ timeZone: 'Pacific/Auckland' })
    const last = (LAST_DAY + 1) * DAY_MS - 1
    const first = recorded({ occurredAt: 0 })
    given(opened, west).when(first).expectRejected('date-out-of-range', 'occurredAt')
    given(opened, east, groceries)
      .when(amended({ occurredAt: last }))
      .expectRejected('date-out-of-range', 'occurredAt')
    given(opened, west)
      .when({ ...first, bookedOn: 0 })
      .expectEvent({ type: 'TransactionCreated', bookedOn: 0 })
  })

  test('from the log time of the command, not of an earlier one', () => {
    const nextWeek = (LAST_DAY + 7) * DAY_MS
    given(sent(opened, { recordedAt: NOW }))
      .when(recorded({ occurredAt: nextWeek }), { recordedAt: NOW + 7 * DAY_MS })
      .expectEvent({ type: 'TransactionCreated' })
  })
})

describe('a day starts', () => {
  test.each([
    ['UTC', '2026-03-14T12:00:00Z', '2026-03-14T00:00:00Z'],
    ['Europe/Oslo', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z'],
    ['Europe/Oslo', '2026-03-30T12:00:00Z', '2026-03-29T22:00:00Z'],
    ['Asia/Kathmandu', '2026-03-14T18:14:59Z', '2026-03-13T18:15:00Z'],
    ['Asia/Kathmandu', '2026-03-14T18:15:00Z', '2026-03-14T18:15:00Z'],
    // Midnight is leapt over, and comes twice.
    ['Asia/Beirut', '2026-03-29T12:00:00Z', '2026-03-28T22:00:00Z'],
    ['America/Havana', '2026-11-01T05:30:00Z', '2026-11-01T04:00:00Z'],
  ])('in %s before %s at %s', (timeZone, instant, start) => {
    expect(dayStartOf(at(instant), timeZone)).toBe(at(start))
  })

  test('with the first instant that is booked on it, in every zone', () => {
    const zones = Intl.supportedValuesOf('timeZone')
    for (const [n, timeZone] of zones.entries()) {
      const instant = at('2026-01-01T00:00:00Z') + n * 20_000_123
      const start = dayStartOf(instant, timeZone)
      const day = bookedOnOf(instant, timeZone)
      expect([
        start <= instant,
        bookedOnOf(start, timeZone),
        bookedOnOf(start - 1, timeZone),
      ]).toEqual([true, day, day - 1])
    }
  })
})
