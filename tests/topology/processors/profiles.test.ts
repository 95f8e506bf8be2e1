import { expect, test } from 'vitest'
import { profiles } from '../../../topology/processors/profiles.ts'
import { COMMANDS_AT } from '../../support/arbitrary-commands.ts'
import { groceries, opened, preferences } from '../../support/example-commands.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'

test('who has set preferences has a row with those that hold, all others have none', async () => {
  expect(await foldedRows(profiles, eventsOfBodies(opened, groceries))).toEqual([])
  const events = eventsOfBodies(
    preferences({ timeZone: 'Europe/Oslo' }),
    opened,
    preferences({ locale: 'nb-NO' }),
  )
  expect(await foldedRows(profiles, events)).toEqual([
    {
      user_id: 'user-1',
      base_currency: 'NOK',
      time_zone: 'Europe/Oslo',
      locale: 'nb-NO',
      updated_at: COMMANDS_AT + 2,
    },
  ])
})
