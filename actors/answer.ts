/**
 * One command against one ledger: idempotency, the rule, the numbers of its events, and the answer.
 *
 * Invariant: when this throws, the ledger is as it was before the command.
 */
import { eventIdOf, isId } from '../schemas/ids.ts'
import type { OpenedEvent } from '../schemas/opened-event.ts'
import { RECORD_BYTES_MAX } from '../schemas/topics.ts'
import type { LedgerCommand, LedgerCommandBody, Outcome, UnparkLedger } from '../schemas/types.ts'
import { account } from './account/account.ts'
import { budget } from './budget/budget.ts'
import type { Candidates } from './categoriser/candidates.ts'
import { category } from './category/category.ts'
import {
  reject,
  type Context,
  type Decision,
  type Duplicate,
  type EventDraft,
  type Rejected,
} from './decider.ts'
import { decideExpense } from './expense/expense.ts'
import { addressOf, creates, ownerOf, type AggregateRef } from './ledger.ts'
import type { Cell, Change, LedgerStates } from './ledger-states.ts'
import { profile } from './profile/profile.ts'
import { decideUnpark, gate, type Resumed } from './root/parking.ts'
import { rememberedIn } from './root/root.ts'
import { transaction } from './transaction/transaction.ts'

/** A command with what the loop computed for it. */
export type PreparedCommand = {
  readonly command: LedgerCommand
  readonly partition: number
  readonly offset: bigint
  /** Log time of the command record, milliseconds since 1970 UTC. */
  readonly recordedAt: number
  readonly candidates: Candidates
  /** What was thrown while it was prepared: the rules decide nothing on what is not there. */
  readonly fault?: Error
  /** Of a parked command that is sent again. */
  readonly resumed?: Resumed
  /** For `UnparkLedger`: offset of the last command of the ledger that is in `ledger.parked`. */
  readonly lastParked?: number
}

/** What the host lends to the rules of one ledger: its key, without showing it. */
export type Sealer = {
  /** False when the subject's key was shredded: the ledger takes no more commands. */
  readonly readable: boolean
  /** Keyed hash of the content of a command. */
  contentHash(body: LedgerCommandBody): Buffer
  /** The event as bytes with its texts sealed, and the hash that the next event carries. */
  encode(event: OpenedEvent): { readonly value: Buffer; readonly hash: Buffer }
}

export type Answer = {
  readonly outcome: Outcome
  readonly events: readonly Buffer[]
  readonly touched: readonly Cell[]
}

const NO_HASH = Buffer.alloc(0)

export function answer(ledger: LedgerStates, prepared: PreparedCommand, sealer: Sealer): Answer {
  const { command } = prepared
  const address = addressOf(command.body)
  const decision = decideOnce(ledger, prepared, address, sealer)
  if (decision === 'parked') {
    return { outcome: parkedOf(prepared, address), events: [], touched: [] }
  }
  switch (decision.kind) {
    case 'rejected':
      return { outcome: rejectedOf(prepared, address, decision), events: [], touched: [] }
    case 'duplicate':
      return { outcome: duplicateOf(prepared, address, decision), events: [], touched: [] }
    case 'accepted':
      return record(ledger, prepared, address, decision.events, sealer)
  }
}

/** Guards in order of precedence: erased, parked, id, sent before, rule, version. */
function decideOnce(
  ledger: LedgerStates,
  prepared: PreparedCommand,
  address: AggregateRef,
  sealer: Sealer,
): Decision | 'parked' {
  const { command, recordedAt, candidates } = prepared
  const { body, expectedVersion } = command
  if (!sealer.readable) return reject('userId', 'ledger-erased', 'the ledger was erased')
  const refused = gate(ledger.root.held.state, body.type, prepared.resumed)
  if (refused !== undefined) return refused
  if (address.type !== 'profile' && !isId(address.id)) {
    return reject(`${address.type}Id`, 'id-invalid', 'an id is 1 to 64 letters, digits and . _ : -')
  }
  if (prepared.fault !== undefined) throw prepared.fault
  const isNew = creates(body)
  if (!isNew) {
    const remembered = rememberedIn(ledger.root.held.state, command.commandId)
    if (remembered !== undefined) {
      return {
        kind: 'duplicate',
        firstSequence: remembered.sequence,
        count: remembered.count,
        version: remembered.version,
      }
    }
  }
  const context: Context = {
    ledger,
    recordedAt,
    contentHash: isNew ? sealer.contentHash(body) : NO_HASH,
    candidates,
    initiator: command.initiator.kind,
  }
  const decision =
    body.type === 'UnparkLedger'
      ? decideUnpark(ledger.root.held.state, body, prepared.lastParked)
      : decideBody(ledger, body, context)
  const version = versionOf(ledger, address)
  if (decision.kind !== 'duplicate' && expectedVersion !== null && expectedVersion !== version) {
    return reject('expectedVersion', 'version-conflict', `the version is ${version}`)
  }
  return decision
}

function decideBody(
  ledger: LedgerStates,
  body: Exclude<LedgerCommandBody, UnparkLedger>,
  context: Context,
): Decision {
  switch (body.type) {
    case 'OpenAccount':
    case 'RenameAccount':
    case 'CloseAccount':
    case 'ReconcileAccount':
      return account.decide(ledger.account(body.accountId), body, context)
    case 'RecordTransaction':
    case 'AmendTransaction':
    case 'DeleteTransaction':
    case 'OverrideCategory':
    case 'SplitTransaction':
      return transaction.decide(ledger.transaction(body.transactionId), body, context)
    case 'TransferMoney':
    case 'DeleteTransfer':
      return transaction.decide(ledger.transaction(body.fromTransactionId), body, context)
    case 'CreateExpense':
    case 'UpdateExpense':
    case 'DeleteExpense':
      return decideExpense(ledger.transaction(body.expenseId), body, context)
    case 'CreateCategory':
    case 'RenameCategory':
    case 'DeleteCategory':
      return category.decide(ledger.category(body.categoryId), body, context)
    case 'SetPreferences':
    case 'AdvanceTime':
      return profile.decide(ledger.profile.held.state, body, context)
    case 'SetBudget':
    case 'RemoveBudget':
      return budget.decide(ledger.budget(body.budgetId), body, context)
    case 'ResumeCommand':
      throw new Error('what a resumed command carries is decided in its place')
  }
}

function versionOf(ledger: LedgerStates, { type, id }: AggregateRef): number {
  switch (type) {
    case 'account':
      return ledger.accounts.get(id)?.held.version ?? 0
    case 'transaction':
      return ledger.transactions.get(id)?.held.version ?? 0
    case 'category':
      return ledger.categories.get(id)?.held.version ?? 0
    case 'profile':
      return ledger.profile.held.version
    case 'budget':
      return ledger.budgets.get(id)?.held.version ?? 0
    case 'ledger':
      return ledger.root.held.state.ledgerVersion
  }
}

/** Numbers, seals and folds the events of one accepted command, or changes nothing. */
export function record(
  ledger: LedgerStates,
  prepared: PreparedCommand,
  address: AggregateRef,
  drafts: readonly EventDraft[],
  sealer: Sealer,
): Answer {
  const changes: Change[] = []
  const values: Buffer[] = []
  const eventIds: string[] = []
  const firstSequence = ledger.root.held.sequence + 1
  const undo = (): void => {
    for (const { cell, before } of changes.reverse()) cell.held = before
  }
  try {
    for (const draft of drafts) {
      const event = numbered(ledger, prepared, draft)
      const { value, hash } = sealer.encode(event)
      if (value.length > RECORD_BYTES_MAX) {
        undo()
        return { outcome: tooLargeOf(prepared, address), events: [], touched: [] }
      }
      changes.push(...ledger.fold(event, hash))
      values.push(value)
      eventIds.push(event.eventId)
    }
  } catch (error) {
    undo()
    throw error
  }
  const outcome: Outcome = {
    ...unanswered(prepared, address),
    verdict: 'accepted',
    version: versionOf(ledger, address),
    eventIds,
    firstSequence,
  }
  // Several events may change one state: it is handed over once, as it is after the last.
  const touched = [...new Set(changes.map(({ cell }) => cell))]
  return { outcome, events: values, touched }
}

function numbered(
  ledger: LedgerStates,
  { command, recordedAt }: PreparedCommand,
  draft: EventDraft,
): OpenedEvent {
  const sequence = ledger.root.held.sequence + 1
  // Most events belong to what the command addresses; a command may create others beside it.
  const owner = ownerOf(draft.body)
  return {
    eventId: eventIdOf(ledger.userId, sequence),
    userId: ledger.userId,
    sequence,
    aggregateType: owner.type,
    aggregateId: owner.id,
    version: versionOf(ledger, owner) + 1,
    occurredAt: draft.occurredAt ?? recordedAt,
    recordedAt,
    commandId: command.commandId,
    initiator: command.initiator,
    previousHash: ledger.root.held.state.lastHash,
    personal: draft.personal,
    body: draft.body,
  }
}

/** The answer as far as it is the same whatever was decided. */
export function unanswered(
  { command, partition, offset, recordedAt }: PreparedCommand,
  address: AggregateRef,
): Outcome {
  return {
    commandId: command.commandId,
    userId: command.userId,
    verdict: 'failed',
    recordedAt,
    commandPartition: partition,
    commandOffset: Number(offset),
    aggregateType: address.type,
    // Ids are not checked yet when a command is refused for its id, and rows hold no NUL.
    aggregateId: isId(address.id) ? address.id : null,
    version: null,
    eventIds: [],
    firstSequence: null,
    path: null,
    code: null,
    sentence: null,
  }
}

function rejectedOf(
  prepared: PreparedCommand,
  address: AggregateRef,
  { path, code, sentence }: Rejected,
): Outcome {
  return { ...unanswered(prepared, address), verdict: 'rejected', path, code, sentence }
}

/** The original result again: the ids of its events follow from their sequences. */
function duplicateOf(
  prepared: PreparedCommand,
  address: AggregateRef,
  { firstSequence, count, version }: Duplicate,
): Outcome {
  const eventIds = Array.from({ length: count }, (_, index) =>
    eventIdOf(prepared.command.userId, firstSequence + index),
  )
  return {
    ...unanswered(prepared, address),
    verdict: 'duplicate',
    version,
    eventIds,
    firstSequence,
  }
}

function tooLargeOf(prepared: PreparedCommand, address: AggregateRef): Outcome {
  const sentence = `an event of this command would have more than ${RECORD_BYTES_MAX} bytes`
  return rejectedOf(prepared, address, {
    kind: 'rejected',
    path: 'body',
    code: 'event-too-large',
    sentence,
  })
}

function parkedOf(prepared: PreparedCommand, address: AggregateRef): Outcome {
  return {
    ...unanswered(prepared, address),
    verdict: 'parked',
    code: 'parked',
    sentence: 'the engine failed on an earlier command of this ledger; this one waits behind it',
  }
}
