import type { Queries } from '../../sink/queries.ts'

/** The date where the user is now; in UTC for who has set no time zone, or one that only a newer release knows. */
export async function todayOf(queries: Queries, userId: string): Promise<string> {
  const timeZone = (await queries.timeZone(userId)) ?? 'UTC'
  try {
    return Temporal.Now.plainDateISO(timeZone).toString()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return Temporal.Now.plainDateISO('UTC').toString()
  }
}
