import { isBuiltIn } from '../../schemas/built-in-categories.ts'
import type { OpenedEvent } from '../../schemas/opened-event.ts'
import type { Booking, Remembered, RootState } from '../../schemas/types.ts'
import { evolveParking, isOfLedger } from './parking.ts'

/** How many accepted commands that created nothing are remembered. */
export const WINDOW_COMMANDS_MAX = 256

export const emptyRoot: RootState = {
  lastHash: Buffer.alloc(0),
  window: [],
  usage: {},
  parking: null,
  ledgerVersion: 0,
}

/** Folds every event of the ledger: the hash chain, the window of command ids, how often own categories are used, parked or not. */
export function evolveRoot(root: RootState, event: OpenedEvent, hash: Buffer): RootState {
  return {
    lastHash: hash,
    window: evolveWindow(root.window, event),
    usage: evolveUsage(root.usage, event),
    parking: evolveParking(root.parking, event),
    ledgerVersion: root.ledgerVersion + (isOfLedger(event.body) ? 1 : 0),
  }
}

/** What an accepted command that created nothing gave; creations are recognised by the id of what they created. */
export function rememberedIn(root: RootState, commandId: string): Remembered | undefined {
  return root.window.findLast((remembered) => remembered.commandId === commandId)
}

function evolveWindow(window: readonly Remembered[], event: OpenedEvent): readonly Remembered[] {
  switch (event.body.type) {
    case 'AccountOpened':
    case 'TransactionCreated':
    case 'CategoryCreated':
    // Its command failed: sent again it must be decided.
    case 'LedgerParked':
      return window
    default:
  }
  const { commandId, sequence, aggregateType, aggregateId, version } = event
  const last = window.at(-1)
  if (last !== undefined && last.commandId === commandId) {
    // The version is that of what the command addressed, whatever else it changed.
    const isAddressed = last.aggregateType === aggregateType && last.aggregateId === aggregateId
    const count = last.count + 1
    return [
      ...window.slice(0, -1),
      { ...last, count, version: isAddressed ? version : last.version },
    ]
  }
  // An adjustment is a creation like any other, but this command answers for it.
  const { body } = event
  const count = body.type === 'AccountReconciled' && body.adjustmentId !== null ? 2 : 1
  const remembered = { commandId, sequence, count, aggregateType, aggregateId, version }
  const kept = window.length < WINDOW_COMMANDS_MAX ? window : window.slice(1 - WINDOW_COMMANDS_MAX)
  return [...kept, remembered]
}

function evolveUsage(usage: RootState['usage'], { body }: OpenedEvent): RootState['usage'] {
  switch (body.type) {
    case 'TransactionCreated':
      return counted(usage, body.categoryId, 1)
    case 'TransactionDeleted':
      return countedAll(usage, body.before, -1)
    case 'TransactionCategoryOverridden':
      return counted(counted(usage, body.before.categoryId, -1), body.categoryId, 1)
    case 'TransactionUpdated':
      if (body.before.categoryId === body.after.categoryId) return usage
      return countedAll(countedAll(usage, body.before, -1), body.after, 1)
    case 'TransactionSplit':
      return countedAll(countedAll(usage, body.before, -1), body.after, 1)
    default:
      return usage
  }
}

/** The category of the whole counts beside those of the parts: an undone split goes back to it. */
function countedAll(usage: RootState['usage'], booking: Booking, change: 1 | -1) {
  return booking.parts.reduce(
    (counts, { categoryId }) => counted(counts, categoryId, change),
    counted(usage, booking.categoryId, change),
  )
}

/** An id such as `constructor` is a good one, so what objects inherit does not count. */
export function usageOf(usage: RootState['usage'], categoryId: string): number {
  return Object.hasOwn(usage, categoryId) ? (usage[categoryId] ?? 0) : 0
}

/** Built-in categories cannot be deleted, so nobody asks how often they are used. */
function counted(
  usage: RootState['usage'],
  categoryId: string,
  change: number,
): RootState['usage'] {
  if (isBuiltIn(categoryId)) return usage
  const count = usageOf(usage, categoryId) + change
  if (count < 0) throw new Error('a category is used a negative number of times')
  const { [categoryId]: _old, ...others } = usage
  return count === 0 ? others : { ...others, [categoryId]: count }
}
