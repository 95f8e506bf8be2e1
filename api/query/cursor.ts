import { hash } from 'node:crypto'
import { epochDayOf } from '../../schemas/dates.ts'
import { isId } from '../../schemas/ids.ts'
import type { TransactionFilter, TransactionPosition } from '../../sink/queries-transactions.ts'
import { invalidInput } from '../problem.ts'

const VERSION = 1

/** The list a cursor walks. Not a secret and no wall: a foreign cursor would skip rows in silence, so it is refused. */
export type List = { readonly userId: string; readonly filter: TransactionFilter }

export function cursorAfter(list: List, position: TransactionPosition): string {
  const { bookedOn, transactionId } = position
  const content = { version: VERSION, list: fingerprint(list), bookedOn, transactionId }
  return Buffer.from(JSON.stringify(content)).toString('base64url')
}

export function positionOf(list: List, cursor: string): TransactionPosition {
  const { version, list: made, bookedOn, transactionId } = parse(cursor)
  const isPosition =
    typeof bookedOn === 'string' &&
    epochDayOf(bookedOn) !== undefined &&
    typeof transactionId === 'string' &&
    isId(transactionId)
  if (version !== VERSION || !isPosition) throw unreadable()
  if (made !== fingerprint(list)) {
    throw invalidInput('cursor', 'the "cursor" was made for another list: start without one')
  }
  return { bookedOn, transactionId }
}

function parse(cursor: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (typeof content === 'object' && content !== null) return { ...content }
  } catch {
    // Falls through to the same answer: what is wrong with it is of no use to anybody.
  }
  throw unreadable()
}

function unreadable(): Error {
  return invalidInput('cursor', 'the "cursor" cannot be read: take it as it came, or start without')
}

function fingerprint({ userId, filter }: List): string {
  const conditions = Object.entries(filter).filter(([, value]) => value !== undefined)
  const parts = [userId, conditions.toSorted(([a], [b]) => (a < b ? -1 : 1))]
  return hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 22)
}
