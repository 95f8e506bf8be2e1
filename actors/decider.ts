import type { OpenedEvent } from '../schemas/opened-event.ts'
import type {
  BudgetPlan,
  BudgetState,
  CategoryState,
  InitiatorKind,
  LedgerEventBody,
  Personal,
  Preferences,
  TransactionState,
} from '../schemas/types.ts'
import type { Account } from './account/account.ts'
import type { Candidates } from './categoriser/candidates.ts'
import type { Rule } from './rules.ts'

/** An event as a rule states it; the ledger numbers it and the host seals and encodes it. */
export type EventDraft = {
  readonly body: LedgerEventBody
  readonly personal: Personal | null
  /** Business time; the log time of the command when absent. */
  readonly occurredAt?: number
}

export type Rejected = {
  readonly kind: 'rejected'
  readonly path: string
  readonly code: Rule
  readonly sentence: string
}
/** Accepted before: its first event, how many it gave, and the version after them. */
export type Duplicate = {
  readonly kind: 'duplicate'
  readonly firstSequence: number
  readonly count: number
  readonly version: number
}

export type Decision =
  | { readonly kind: 'accepted'; readonly events: readonly EventDraft[] }
  | Rejected
  | Duplicate

/** What a rule may read beside its own state. Everything that is not state is a value that somebody computed. */
export type Context = {
  readonly ledger: LedgerView
  /** Log time of the command, milliseconds since 1970 UTC: the only "now" there is. */
  readonly recordedAt: number
  /** Keyed hash of the command's content; empty for commands that create nothing. */
  readonly contentHash: Buffer
  readonly candidates: Candidates
  /** Who caused the command. */
  readonly initiator: InitiatorKind
}

/** The other states of the same user: ordinary reads, because one actor owns them all. */
export type LedgerView = {
  readonly preferences: Preferences
  account(accountId: string): Account
  /** Absent also where the command did not name it: only what is named is loaded. */
  transaction(transactionId: string): Transaction
  category(categoryId: string): CategoryState | { readonly status: 'absent' }
  /** The user's own categories that may be used, with their ids. */
  activeCategories(): readonly { readonly categoryId: string; readonly name: string | null }[]
  activeBudgets(): readonly ActiveBudget[]
  /** How many transactions, and parts of split ones, are in a category of the user's own. */
  usage(categoryId: string): number
}

/** One kind of aggregate: its first state, what it answers, and how a fact changes it. */
export type Decider<State, Command> = {
  readonly initial: State
  decide(state: State, command: Command, context: Context): Decision
  evolve(state: State, event: OpenedEvent): State
}

export function accept(
  body: LedgerEventBody,
  personal: Personal | null = null,
  occurredAt?: number,
): Decision {
  return {
    kind: 'accepted',
    events: [occurredAt === undefined ? { body, personal } : { body, personal, occurredAt }],
  }
}

/** The sentence is for people and never quotes a text of the user: outcomes are not sealed. */
export function reject(path: string, code: Rule, sentence: string): Decision {
  return { kind: 'rejected', path, code, sentence }
}

/** A create command for something that exists or existed: the same content again is a duplicate, other content a clash. */
export function repeated(
  existing: { readonly contentHash: Buffer; readonly firstSequence: number },
  path: string,
  context: Context,
): Decision {
  if (sameBytes(existing.contentHash, context.contentHash)) {
    // A creation gives one event, the first of its aggregate.
    return { kind: 'duplicate', firstSequence: existing.firstSequence, count: 1, version: 1 }
  }
  return reject(path, 'id-taken', 'the id is taken by something with other content')
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** For the default of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new Error(`not a member of its union: ${JSON.stringify(value)}`)
}

export type Transaction = TransactionState | { readonly status: 'absent' }
export type Category = CategoryState | { readonly status: 'absent' }
export type Budget = BudgetState | { readonly status: 'absent' }
export type ActiveBudget = { readonly budgetId: string; readonly plan: BudgetPlan }
