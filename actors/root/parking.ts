/**
 * Parking: after a fault of ours on a command, later commands of its ledger are set aside until the operator has sent
 * them again, in their order.
 *
 * Invariant: while a ledger is parked, only commands that are sent again are decided, each behind the one before it.
 */
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { LedgerEventBody, Parking, RootState, UnparkLedger } from '../../schemas/types.ts'
import { accept, reject, type Decision } from '../decider.ts'

/** Of a command that is sent again: which parking it is about, and where it stood in the commands at first. */
export type Resumed = { readonly parkedSequence: number; readonly commandOffset: number }

/** Undefined where the command is to be decided; `parked` where it is to be set aside. */
export function gate(
  { parking }: RootState,
  type: string,
  resumed: Resumed | undefined,
): Decision | 'parked' | undefined {
  if (resumed !== undefined) {
    const isNext =
      parking !== null &&
      parking.sequence === resumed.parkedSequence &&
      parking.through < resumed.commandOffset
    return isNext ? undefined : changed()
  }
  // `decideUnpark` says for itself whether the ledger is parked.
  return parking === null || type === 'UnparkLedger' ? undefined : 'parked'
}

/** `lastParked`: offset of the last command of this ledger that was set aside. */
export function decideUnpark(
  { parking }: RootState,
  { parkedSequence, through }: UnparkLedger,
  lastParked: number | undefined,
): Decision {
  if (parking === null) return reject('userId', 'ledger-not-parked', 'the ledger is not parked')
  if (parking.sequence !== parkedSequence || through < parking.through) return changed()
  if (lastParked === undefined || lastParked <= through) {
    return accept({ type: 'LedgerUnparked', through })
  }
  if (through === parking.through) {
    return reject('through', 'parked-commands-left', 'there are parked commands behind this one')
  }
  return accept({ type: 'LedgerResumed', through })
}

function changed(): Decision {
  return reject(
    'parkedSequence',
    'parking-changed',
    'the ledger was parked, resumed or unparked since this was sent',
  )
}

export function evolveParking(
  parking: Parking | null,
  { body, sequence }: Pick<OpenedEvent, 'body' | 'sequence'>,
): Parking | null {
  switch (body.type) {
    case 'LedgerParked':
      return { sequence, through: body.through }
    case 'LedgerResumed':
      if (parking === null) throw new Error('a ledger is resumed that is not parked')
      return { ...parking, through: body.through }
    case 'LedgerUnparked':
      return null
    default:
      return parking
  }
}

/** Belongs to the ledger itself, whose state is the root. */
export function isOfLedger({ type }: LedgerEventBody): boolean {
  return type === 'LedgerParked' || type === 'LedgerResumed' || type === 'LedgerUnparked'
}
