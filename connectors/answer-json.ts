/** Outcomes and events as JSON for people and programs: amounts as decimal strings, times and dates as ISO 8601. */
import { isoDateOf, isoMonthOf } from '../schemas/dates.ts'
import { formatMinor } from '../schemas/money.ts'
import type { PublicRecord } from '../schemas/public-topics.ts'
import type { OpenedEvent, OpenedPersonal } from '../schemas/opened-event.ts'
import type { LedgerEventBody, Outcome } from '../schemas/types.ts'
import { instantToJson, type Json, type JsonObject } from './json.ts'

export function outcomeToJson(outcome: Outcome): JsonObject {
  return {
    ...outcome,
    eventIds: [...outcome.eventIds],
    recordedAt: instantToJson(outcome.recordedAt),
  }
}

export function eventToJson(opened: OpenedEvent): JsonObject {
  const { sealed: _, ...event } = opened
  return {
    ...event,
    occurredAt: instantToJson(event.occurredAt),
    recordedAt: instantToJson(event.recordedAt),
    initiator: { ...event.initiator },
    previousHash: event.previousHash.toString('hex'),
    personal: personalToJson(event.personal),
    body: bodyToJson(event.body),
  }
}

/** A record of a topic for readers outside, with its texts opened where it has some. */
export function publicRecordToJson(
  record: PublicRecord,
  personal: OpenedPersonal | undefined,
): JsonObject {
  return {
    ...Object.fromEntries(
      Object.entries(record).map(([name, value]) => publicField(name, value, record)),
    ),
    ...(personal === undefined ? {} : { personal: personalToJson(personal) }),
  }
}

function publicField(name: string, value: unknown, record: PublicRecord): [string, Json] {
  if (name.endsWith('At') && typeof value === 'number') return [name, instantToJson(value)]
  return fieldToJson(name, value, 'currency' in record ? record.currency : undefined)
}

function personalToJson(personal: OpenedPersonal): Json {
  if (personal === null || personal === 'not-readable') return personal
  return Object.fromEntries(Object.entries(personal).filter(([, text]) => text !== null))
}

function bodyToJson(body: LedgerEventBody): Json {
  return toJson(body, undefined)
}

/** What the schemas are made of; an amount is in the currency beside it, or in that of the whole event. */
function toJson(value: unknown, ofEvent: string | undefined): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return value.toString()
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (Array.isArray(value)) return value.map((item) => toJson(item, ofEvent))
  if (typeof value !== 'object') throw new Error(`a schema has no ${typeof value}`)
  const currency = 'currency' in value ? String(value.currency) : ofEvent
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => fieldToJson(name, field, currency)),
  )
}

function fieldToJson(name: string, value: unknown, currency: string | undefined): [string, Json] {
  if (typeof value === 'bigint' && currency !== undefined) {
    return [name.replace(/Minor$/, ''), formatMinor(value, currency)]
  }
  if (name.endsWith('On') && typeof value === 'number') return [name, isoDateOf(value)]
  if (name === 'month' && typeof value === 'number') return [name, isoMonthOf(value)]
  if (name === 'previousOccurredAt' && typeof value === 'number')
    return [name, instantToJson(value)]
  return [name, toJson(value, currency)]
}
