import { isCurrency } from '../../schemas/money.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { ProfileState, SetPreferences } from '../../schemas/types.ts'
import { accept, reject, type Decider, type Decision } from '../decider.ts'

/** What holds until the user says otherwise. */
export const defaultPreferences = { baseCurrency: 'NOK', timeZone: 'UTC', locale: 'en' }

function decide(profile: ProfileState, command: SetPreferences): Decision {
  const before = profile.preferences
  const after = {
    baseCurrency: command.baseCurrency ?? before.baseCurrency,
    timeZone: command.timeZone ?? before.timeZone,
    locale: command.locale ?? before.locale,
  }
  if (!isCurrency(after.baseCurrency))
    return reject('baseCurrency', 'currency-unknown', 'the currency is not an ISO 4217 code')
  if (!isTimeZone(after.timeZone))
    return reject(
      'timeZone',
      'time-zone-unknown',
      'the time zone is not an IANA name such as Europe/Oslo',
    )
  if (!isLocale(after.locale))
    return reject('locale', 'locale-unknown', 'the locale is not a BCP 47 tag such as nb-NO')
  if (
    after.baseCurrency === before.baseCurrency &&
    after.timeZone === before.timeZone &&
    after.locale === before.locale
  ) {
    return reject('body', 'nothing-to-change', 'the preferences are like that already')
  }
  return accept({ type: 'PreferencesChanged', before, after })
}

function isTimeZone(name: string): boolean {
  try {
    return (
      name.length <= 64 &&
      new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
    )
  } catch {
    return false
  }
}

function isLocale(tag: string): boolean {
  try {
    return tag.length <= 64 && Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}

function evolve(_profile: ProfileState, event: OpenedEvent): ProfileState {
  if (event.body.type !== 'PreferencesChanged')
    throw new Error(`a profile does not fold ${event.body.type}`)
  return { preferences: event.body.after }
}

export const profile: Decider<ProfileState, SetPreferences> = {
  initial: { preferences: defaultPreferences },
  decide,
  evolve,
}
