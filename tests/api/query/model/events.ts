import fc from 'fast-check'
import { isoDateOf } from '../../../../schemas/dates.ts'
import { formatMinor } from '../../../../schemas/money.ts'
import type { OpenedEvent } from '../../../../schemas/opened-event.ts'
import { idsOf, isoTime, times, type RouteModels } from './ledger.ts'

const EVENTS_MAX = 100
const types = ['account', 'transaction', 'category', 'budget', 'profile', 'ledger'] as const

export const eventModels: RouteModels = {
  '/v1/aggregates/{type}/{id}/events': {
    questions: (ledger) =>
      types.flatMap((type) => {
        const path = fc.record({
          type: fc.constant(type),
          // Some are of another type.
          id: fc.constantFrom(...idsOf(ledger, type), 'a-1', 'c-1'),
        })
        const from = fc.integer({ min: 1, max: 4 }).map(String)
        const query = fc.record({ from_version: from }, { requiredKeys: [] })
        return times(3, fc.record({ path, query }))
      }),
    answer({ events }, { path, query }) {
      const own = events.filter(
        ({ aggregateType, aggregateId }) =>
          aggregateType === path?.['type'] && aggregateId === path['id'],
      )
      if (own.length === 0) return undefined
      const rest = own.slice(Number(query?.['from_version'] ?? '1') - 1)
      return {
        events: rest.slice(0, EVENTS_MAX).map(eventAnswer),
        nextVersion: rest[EVENTS_MAX]?.version ?? null,
      }
    },
  },
  '/v1/commands/{commandId}': {
    questions: (ledger) => {
      const known = ledger.outcomes.map(({ commandId }) => commandId)
      const commandId = fc.constantFrom('00000000-0000-4000-8000-00000000dead', ...known)
      return times(8, fc.record({ path: fc.record({ commandId }) }))
    },
    /** The first answer that is not `duplicate`. */
    answer({ outcomes }, { path }) {
      const own = outcomes.filter(({ commandId }) => commandId === path?.['commandId'])
      const outcome = own.find(({ verdict }) => verdict !== 'duplicate') ?? own[0]
      if (outcome === undefined) return undefined
      const { commandId, verdict, recordedAt, aggregateType, aggregateId, version } = outcome
      const { eventIds, firstSequence, path: about, code, sentence } = outcome
      const aggregate = { aggregateType, aggregateId, version, eventIds, firstSequence }
      const reason = { path: about, code, sentence }
      return {
        command: { commandId, verdict, recordedAt: isoTime(recordedAt), ...aggregate, ...reason },
      }
    },
  },
}

function eventAnswer(event: OpenedEvent, index: number, all: readonly OpenedEvent[]) {
  const { type, ...facts } = event.body
  return {
    eventId: event.eventId,
    type,
    aggregateType: event.aggregateType,
    aggregateId: event.aggregateId,
    version: (all[0]?.version ?? 0) + index,
    sequence: event.sequence,
    occurredAt: isoTime(event.occurredAt),
    recordedAt: isoTime(event.recordedAt),
    commandId: event.commandId,
    initiator: event.initiator.kind,
    body: shown(facts, 'currency' in facts ? facts.currency : ''),
  }
}

const amounts: Readonly<Record<string, string>> = {
  amountMinor: 'amount',
  statementMinor: 'statement',
  balanceMinor: 'balance',
  differenceMinor: 'difference',
}
const days: ReadonlySet<string> = new Set(['bookedOn', 'statementOn'])
const instants: ReadonlySet<string> = new Set(['previousOccurredAt', 'from', 'until'])

/** Facts by the names that are known to be amounts, days and times; hashes are not shown. */
function shown(facts: object, outer: string): object {
  const currency = 'currency' in facts ? String(facts.currency) : outer
  const answers = Object.entries(facts).map(([name, fact]: [string, unknown]) => {
    if (name === 'contentHash') return []
    if (typeof fact === 'bigint') return [[amounts[name] ?? name, formatMinor(fact, currency)]]
    if (typeof fact === 'number' && days.has(name)) return [[name, isoDateOf(fact)]]
    if (typeof fact === 'number' && instants.has(name)) return [[name, isoTime(fact)]]
    return [[name, shownInside(fact, currency)]]
  })
  return Object.fromEntries(answers.flat()) as object
}

function shownInside(fact: unknown, currency: string): unknown {
  if (Array.isArray(fact)) return fact.map((item) => shownInside(item, currency))
  return typeof fact === 'object' && fact !== null ? shown(fact, currency) : fact
}
