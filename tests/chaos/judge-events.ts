import { eventCodec } from '../../schemas/codec.ts'
import type { Witness } from './witness.ts'

export type Events = { readonly events: number; readonly wrong: readonly string[] }

/** Each event that an answer names is there once and no other is; sequence and version grow by one from 1. */
export async function judgeEvents(
  witness: Witness,
  partition: number,
  named: ReadonlySet<string>,
): Promise<Events> {
  const seen = new Set<string>()
  const sequences = new Map<string, number>()
  const versions = new Map<string, number>()
  const wrong: string[] = []
  const grows = (numbers: Map<string, number>, key: string, number: number): boolean => {
    const before = numbers.get(key) ?? 0
    numbers.set(key, number)
    return number === before + 1
  }
  for await (const { offset, value } of witness.records('ledger.events', partition)) {
    const { eventId, userId, sequence, aggregateType, aggregateId, version } =
      eventCodec.decode(value)
    const place = `${partition}:${offset}`
    if (seen.has(eventId)) wrong.push(`event ${eventId} is there again at ${place}`)
    seen.add(eventId)
    if (!named.has(eventId)) wrong.push(`event ${eventId} at ${place}, which no answer names`)
    if (!grows(sequences, userId, sequence)) {
      wrong.push(`${userId} has sequence ${sequence} at ${place}`)
    }
    if (!grows(versions, `${userId} ${aggregateType} ${aggregateId}`, version)) {
      wrong.push(`${aggregateType} ${aggregateId} of ${userId} has version ${version} at ${place}`)
    }
  }
  for (const id of named.difference(seen))
    wrong.push(`event ${id}, which an answer names, is not there`)
  return { events: seen.size, wrong }
}
