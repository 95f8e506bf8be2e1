import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { todayOf } from '../../../api/query/today.ts'
import { openQueries, type Queries } from '../../../sink/queries.ts'
import { describePostgres } from '../../support/postgres.ts'

describePostgres('today', (database) => {
  let queries: Queries
  beforeAll(async () => {
    const client = new pg.Client(database.url)
    await client.connect()
    await client.query(
      `INSERT INTO profiles SELECT name, 'NOK', zone, 'nb-NO', now()
       FROM unnest($1::text[], $2::text[]) AS given (name, zone)`,
      [
        ['first', 'last', 'unknown'],
        ['Pacific/Kiritimati', 'Etc/GMT+12', 'Atlantis/Capital'],
      ],
    )
    await client.end()
    queries = openQueries(database.url, { max: 1 })
  })
  afterAll(() => queries.close())

  const dayOf = (userId: string): Promise<string> => todayOf(queries, userId)

  test('is the date where the user is: never the same at both ends of the world', async () => {
    expect((await dayOf('last')) < (await dayOf('first'))).toBe(true)
  })

  test.each(['unknown', 'has-set-none'])(
    'of a user whose time zone is %s is that of UTC',
    async (user) => {
      const before = Temporal.Now.plainDateISO('UTC').toString()
      const day = await dayOf(user)
      expect([before, Temporal.Now.plainDateISO('UTC').toString()]).toContain(day)
    },
  )
})
