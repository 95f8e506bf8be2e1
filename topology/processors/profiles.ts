import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { RowProcessor } from './processor.ts'

type ProfileRow = {
  readonly user_id: string
  readonly base_currency: string
  readonly time_zone: string
  readonly locale: string
  readonly updated_at: number
}

/** The preferences of users who have set some; for the others the defaults hold. */
export const profiles: RowProcessor<OpenedEvent, ProfileRow> = {
  kind: 'rows',
  name: 'profiles',
  table: 'profiles',
  keyOf: ({ userId, body }) =>
    body.type === 'PreferencesChanged' ? { user_id: userId } : undefined,
  begins: () => false,
  step(row, { userId, recordedAt, body }) {
    if (body.type !== 'PreferencesChanged') return row
    return {
      user_id: userId,
      base_currency: body.after.baseCurrency,
      time_zone: body.after.timeZone,
      locale: body.after.locale,
      updated_at: recordedAt,
    }
  },
}
