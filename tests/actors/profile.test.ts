import { describe, expect, test } from 'vitest'
import type { AdvanceTime, SetPreferences } from '../../schemas/types.ts'
import type { Rule } from '../../actors/rules.ts'
import { preferences } from '../support/example-commands.ts'
import { given, NOW, sent } from '../support/specification.ts'

const norwegian = preferences({ timeZone: 'Europe/Oslo', locale: 'nb-NO' })

/** A profile has one status: it always exists. */
type Command = SetPreferences | AdvanceTime
const verdicts: Record<'set', Record<Command['type'], 'accepted' | Rule>> = {
  set: { SetPreferences: 'accepted', AdvanceTime: 'accepted' },
}
const MIDNIGHT = Date.UTC(2026, 2, 14)
const DAY_MS = 86_400_000
const system = { initiator: 'system' } as const
const advance = (until: number): AdvanceTime => ({ type: 'AdvanceTime', until })

describe('a profile', () => {
  test('answers SetPreferences as the table says', () => {
    const { outcome } = given().when(norwegian).answer
    expect(outcome.verdict).toBe(verdicts.set.SetPreferences)
  })

  test('starts with the krone, UTC and English', () => {
    given()
      .when(norwegian)
      .expectEvent(
        {
          type: 'PreferencesChanged',
          before: { baseCurrency: 'NOK', timeZone: 'UTC', locale: 'en' },
          after: { baseCurrency: 'NOK', timeZone: 'Europe/Oslo', locale: 'nb-NO' },
        },
        null,
      )
  })

  test('keeps what a command does not name', () => {
    given(norwegian)
      .when(preferences({ baseCurrency: 'EUR' }))
      .expectState('profile', 'profile', {
        preferences: { baseCurrency: 'EUR', timeZone: 'Europe/Oslo', locale: 'nb-NO' },
      })
  })

  test('is not changed to what it is', () => {
    given(norwegian).when(norwegian).expectRejected('nothing-to-change', 'body')
    given(norwegian).when(preferences({})).expectRejected('nothing-to-change', 'body')
  })

  test.each([
    ['currency-unknown', 'baseCurrency', { baseCurrency: 'kroner' }],
    ['time-zone-unknown', 'timeZone', { timeZone: 'Europe/Oslo ' }],
    ['time-zone-unknown', 'timeZone', { timeZone: 'Oslo' }],
    ['time-zone-unknown', 'timeZone', { timeZone: '' }],
    ['time-zone-unknown', 'timeZone', { timeZone: 'UTC\0' }],
    ['locale-unknown', 'locale', { locale: 'norsk bokmål' }],
    ['locale-unknown', 'locale', { locale: '' }],
    ['locale-unknown', 'locale', { locale: `en-x-${'a'.repeat(8)}`.padEnd(80, '-aaaaaaa') }],
  ] as const)('rejects as %s in %s: %j', (rule, path, changes) => {
    given().when(preferences(changes)).expectRejected(rule, path)
  })
})

describe('the time of a ledger', () => {
  test('goes forward by AdvanceTime, as the table says, and remembers where it was', () => {
    const { outcome } = given()
      .when(advance(MIDNIGHT), system)
      .expectEvent({ type: 'TimeAdvanced', from: null, until: MIDNIGHT }, null).answer
    expect(outcome.verdict).toBe(verdicts.set.AdvanceTime)
    given(sent(advance(MIDNIGHT - 40 * DAY_MS), system), norwegian)
      .when(advance(MIDNIGHT), system)
      .expectEvent({ type: 'TimeAdvanced', from: MIDNIGHT - 40 * DAY_MS, until: MIDNIGHT })
      .expectState('profile', 'profile', {
        preferences: { baseCurrency: 'NOK', timeZone: 'Europe/Oslo', locale: 'nb-NO' },
        advancedUntil: MIDNIGHT,
      })
  })

  test('stays where it is when the preferences change', () => {
    given(sent(advance(MIDNIGHT), system))
      .when(norwegian)
      .expectState('profile', 'profile', { advancedUntil: MIDNIGHT })
  })

  test('the same command again is a duplicate, another one for the same time is refused', () => {
    const commandId = 'c0ffee00-0000-4000-8000-000000000001'
    const once = given(sent(advance(MIDNIGHT), { ...system, commandId }))
    once.when(advance(MIDNIGHT), { ...system, commandId }).expectDuplicate()
    once.when(advance(MIDNIGHT), system).expectRejected('time-not-later', 'until')
  })

  test('never goes back', () => {
    given(sent(advance(MIDNIGHT), system))
      .when(advance(MIDNIGHT - 1), system)
      .expectRejected('time-not-later', 'until')
  })

  test('is never ahead of the log time of the command', () => {
    given()
      .when(advance(NOW + 1), system)
      .expectRejected('date-out-of-range', 'until')
    given().when(advance(-1), system).expectRejected('date-out-of-range', 'until')
    given().when(advance(NOW), system).expectEvent({ type: 'TimeAdvanced', until: NOW })
  })

  test.each(['user', 'bank_sync', 'import', 'operator'] as const)('is none of the %s', (kind) => {
    given()
      .when(advance(MIDNIGHT), { initiator: kind })
      .expectRejected('not-permitted', 'initiator')
  })
})
