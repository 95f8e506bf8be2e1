import { record, unanswered, type Answer, type PreparedCommand, type Sealer } from './answer.ts'
import { addressOf, LEDGER } from './ledger.ts'
import type { LedgerStates } from './ledger-states.ts'

/**
 * A fault of ours on a new command: it changed nothing and is kept as a dead letter, and the ledger is parked.
 * Throws where not even that can be said.
 */
export function park(ledger: LedgerStates, prepared: PreparedCommand, sealer: Sealer): Answer {
  const { parking } = ledger.root.held.state
  // What is sent again keeps its place among the parked ones, and is done with.
  const through = prepared.resumed?.commandOffset ?? parking?.through ?? Number(prepared.offset)
  const body = { type: 'LedgerParked', through } as const
  const { outcome, events, touched } = record(
    ledger,
    prepared,
    LEDGER,
    [{ body, personal: null }],
    sealer,
  )
  return {
    outcome: {
      ...unanswered(prepared, addressOf(prepared.command.body)),
      eventIds: outcome.eventIds,
      firstSequence: outcome.firstSequence,
      code: 'failed',
      sentence:
        'the engine failed on this command: it is kept as a dead letter, and later ones of this ledger wait',
    },
    events,
    touched,
  }
}
