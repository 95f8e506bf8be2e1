import { isCurrency } from '../../schemas/money.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { AdvanceTime, ProfileState, SetPreferences } from '../../schemas/types.ts'
import { accept, reject, type Context, type Decider, type Decision } from '../decider.ts'

/** What holds until the user says otherwise. */
export const defaultPreferences = { baseCurrency: 'NOK', timeZone: 'UTC', locale: 'en' }

type ProfileCommand = SetPreferences | AdvanceTime

function decide(profile: ProfileState, command: ProfileCommand, context: Context): Decision {
  switch (command.type) {
    case 'SetPreferences':
      return decidePreferences(profile, command)
    case 'AdvanceTime':
      return decideTime(profile, command, context)
  }
}

/** Time only goes forward, and never beyond the log's own: a wrong clock can hold nothing up for ever. */
function decideTime(
  { advancedUntil }: ProfileState,
  { until }: AdvanceTime,
  { initiator, recordedAt }: Context,
): Decision {
  if (initiator !== 'system')
    return reject('initiator', 'not-permitted', 'only the system advances time')
  if (until < 0 || until > recordedAt)
    return reject('until', 'date-out-of-range', 'time is advanced from 1970 to now')
  if (advancedUntil !== null && until <= advancedUntil)
    return reject('until', 'time-not-later', 'time was advanced as far as that before')
  return accept({ type: 'TimeAdvanced', from: advancedUntil, until })
}

function decidePreferences(profile: ProfileState, command: SetPreferences): Decision {
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

function evolve(profile: ProfileState, { body }: OpenedEvent): ProfileState {
  switch (body.type) {
    case 'PreferencesChanged':
      return { ...profile, preferences: body.after }
    case 'TimeAdvanced':
      return { ...profile, advancedUntil: body.until }
    default:
      throw new Error(`a profile does not fold ${body.type}`)
  }
}

export const profile: Decider<ProfileState, ProfileCommand> = {
  initial: { preferences: defaultPreferences, advancedUntil: null },
  decide,
  evolve,
}
