/** What a table reader is fed with: the events of a history, with the places they have in a log. */
import { answer } from '../../actors/answer.ts'
import { LedgerStates } from '../../actors/ledger-states.ts'
import { eventCodec } from '../../schemas/codec.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { LedgerCommand, LedgerCommandBody, LedgerEvent } from '../../schemas/types.ts'
import type { Sourced } from '../../topology/processors/processor.ts'
import { COMMANDS_AT } from './arbitrary-commands.ts'
import { commandOf, opened, prepared, transparentSealer } from './specification.ts'

/** Events of commands of any users, decided in this order; what a rule refuses gives none. */
export function sourcedEvents(commands: readonly LedgerCommand[]): readonly Sourced<OpenedEvent>[] {
  const ledgers = new Map<string, LedgerStates>()
  const sources: Sourced<OpenedEvent>[] = []
  for (const [n, command] of commands.entries()) {
    const ledger = ledgers.get(command.userId) ?? new LedgerStates(command.userId)
    ledgers.set(command.userId, ledger)
    const { events } = answer(ledger, prepared(command, n, COMMANDS_AT + n), transparentSealer)
    for (const value of events) {
      const offset = BigInt(sources.length)
      sources.push({ item: opened(value), partition: 0, offset, value })
    }
  }
  return sources
}

/** The events of one user's wishes, all of which are accepted, or the example is wrong. */
export function eventsOfBodies(...bodies: readonly LedgerCommandBody[]): readonly OpenedEvent[] {
  return sourcesOfBodies(bodies).map(({ item }) => item)
}

/** The same as they are in the log. */
export function storedEventsOf(...bodies: readonly LedgerCommandBody[]): readonly LedgerEvent[] {
  return sourcesOfBodies(bodies).map(({ value }) => eventCodec.decode(value))
}

function sourcesOfBodies(bodies: readonly LedgerCommandBody[]): readonly Sourced<OpenedEvent>[] {
  const sources = sourcedEvents(bodies.map((body, n) => commandOf({ body }, n)))
  const events = sources.map(({ item }) => item)
  if (new Set(events.map(({ commandId }) => commandId)).size !== bodies.length) {
    const types = events.map(({ body }) => body.type).join(', ')
    throw new Error(`not every command was accepted: ${types}`)
  }
  return sources
}
