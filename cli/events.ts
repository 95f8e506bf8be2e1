import { eventToJson } from '../connectors/answer-json.ts'
import { eventsOf, type History } from '../topology/time-travel.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

/** One line per event, oldest first. 1 when the user has none. */
export async function runEvents(history: History, out: Output): Promise<ExitCode> {
  let events = 0
  for await (const event of eventsOf(history)) {
    events++
    out.result(JSON.stringify(eventToJson(event)))
    await out.flushed()
  }
  if (events === 0) out.note(`the log has no events of ${history.userId}`)
  return events === 0 ? 1 : 0
}
