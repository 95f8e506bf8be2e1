import { describe, expect, test } from 'vitest'
import type { SetPreferences } from '../../schemas/types.ts'
import type { Rule } from '../../actors/rules.ts'
import { preferences } from '../support/example-commands.ts'
import { given } from '../support/specification.ts'

const norwegian = preferences({ timeZone: 'Europe/Oslo', locale: 'nb-NO' })

/** A profile has one status: it always exists. */
const verdicts: Record<'set', Record<SetPreferences['type'], 'accepted' | Rule>> = {
  set: { SetPreferences: 'accepted' },
}

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
