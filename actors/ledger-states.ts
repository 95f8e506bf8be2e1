/**
 * The states of one ledger in memory.
 *
 * Invariant: a `Held` is immutable and says after which event it holds, so a checkpoint is a list of references; a
 * cell is clean only when the saved sequence equals the held one.
 */
import type { OpenedEvent } from '../schemas/opened-event.ts'
import type { ProfileState, RootState } from '../schemas/types.ts'
import { account, type Account } from './account/account.ts'
import { budget } from './budget/budget.ts'
import { category } from './category/category.ts'
import type { ActiveBudget, Budget, Category, LedgerView, Transaction } from './decider.ts'
import { foldsInto, type StateRef, type StateType } from './ledger.ts'
import { profile } from './profile/profile.ts'
import { emptyRoot, evolveRoot, usageOf } from './root/root.ts'
import { transaction } from './transaction/transaction.ts'

export type StateOf = {
  readonly root: RootState
  readonly account: Account
  readonly transaction: Transaction
  readonly category: Category
  readonly profile: ProfileState
  readonly budget: Budget
}

/** A state and where it stands: the last event folded into it, and how many events belong to it. */
export type Held<T extends StateType = StateType> = {
  readonly state: StateOf[T]
  readonly sequence: number
  readonly version: number
}

/** A place in memory for one state. */
export type Cell<T extends StateType = StateType> = {
  readonly type: T
  readonly id: string
  held: Held<T>
  /** Sequence that the store has acknowledged; 0 when it has no row. */
  savedSequence: number
}

const initial: StateOf = {
  root: emptyRoot,
  account: account.initial,
  transaction: transaction.initial,
  category: category.initial,
  profile: profile.initial,
  budget: budget.initial,
}

/** Of aggregates that have a state of their own beside the root. */
type Owned = Exclude<StateType, 'root'>

const evolvers: {
  readonly [T in Owned]: (state: never, event: OpenedEvent) => StateOf[T]
} = {
  account: account.evolve,
  transaction: transaction.evolve,
  category: category.evolve,
  profile: profile.evolve,
  budget: budget.evolve,
}

export class LedgerStates implements LedgerView {
  readonly userId: string
  readonly root: Cell<'root'>
  readonly profile: Cell<'profile'>
  readonly accounts = new Map<string, Cell<'account'>>()
  readonly categories = new Map<string, Cell<'category'>>()
  readonly budgets = new Map<string, Cell<'budget'>>()
  readonly transactions = new Map<string, Cell<'transaction'>>()
  /** Every transaction that there ever was is in memory: another one does not exist, and no store has to be asked. */
  #isWhole = false

  constructor(userId: string) {
    this.userId = userId
    this.root = emptyCell('root', 'root')
    this.profile = emptyCell('profile', 'profile')
  }

  get preferences(): ProfileState['preferences'] {
    return this.profile.held.state.preferences
  }

  account(accountId: string): Account {
    return this.accounts.get(accountId)?.held.state ?? initial.account
  }

  transaction(transactionId: string): Transaction {
    return this.transactions.get(transactionId)?.held.state ?? initial.transaction
  }

  category(categoryId: string): Category {
    return this.categories.get(categoryId)?.held.state ?? initial.category
  }

  activeCategories(): readonly { readonly categoryId: string; readonly name: string | null }[] {
    const active: { categoryId: string; name: string | null }[] = []
    for (const [categoryId, { held }] of this.categories) {
      if (held.state.status === 'active') active.push({ categoryId, name: held.state.name })
    }
    return active
  }

  budget(budgetId: string): Budget {
    return this.budgets.get(budgetId)?.held.state ?? initial.budget
  }

  activeBudgets(): readonly ActiveBudget[] {
    const active: ActiveBudget[] = []
    for (const [budgetId, { held }] of this.budgets) {
      if (held.state.status === 'active') active.push({ budgetId, plan: held.state.plan })
    }
    return active
  }

  usage(categoryId: string): number {
    return usageOf(this.root.held.state.usage, categoryId)
  }

  /** The cell of a state, made empty where there is none. */
  cell<T extends StateType>(type: T, id: string): Cell<T>
  cell(type: StateType, id: string): Cell {
    switch (type) {
      case 'root':
        return this.root
      case 'profile':
        return this.profile
      case 'account':
        return cellIn(this.accounts, type, id)
      case 'category':
        return cellIn(this.categories, type, id)
      case 'transaction':
        return cellIn(this.transactions, type, id)
      case 'budget':
        return cellIn(this.budgets, type, id)
    }
  }

  /** Whether memory knows the state, or knows that there is none. */
  has({ type, id }: StateRef): boolean {
    return type === 'transaction' ? this.#isWhole || this.transactions.has(id) : true
  }

  /**
   * Call when everything but the transactions was loaded. Each event raises the version of one aggregate, so where the
   * versions of all others make up the sequence, there are no transactions: a ledger that is new, for one.
   */
  loaded(): void {
    let events = this.root.held.state.ledgerVersion + this.profile.held.version
    for (const cells of [this.accounts, this.categories, this.budgets])
      for (const { held } of cells.values()) events += held.version
    this.#isWhole = events === this.root.held.sequence
  }

  /** Puts a stored state in place. What is in memory is never older than what is stored, so it is not replaced. */
  install<T extends StateType>(type: T, id: string, held: Held<T>): void {
    const cell = this.cell(type, id)
    if (cell.held.sequence > 0) return
    cell.held = held
    cell.savedSequence = held.sequence
  }

  /** How many states are in memory. */
  get size(): number {
    return (
      2 + this.accounts.size + this.categories.size + this.budgets.size + this.transactions.size
    )
  }

  /** Everything that changed is stored, so nothing is lost when the ledger leaves memory. */
  get isClean(): boolean {
    return (
      saved(this.root) &&
      saved(this.profile) &&
      this.accounts.values().every(saved) &&
      this.categories.values().every(saved) &&
      this.budgets.values().every(saved) &&
      this.transactions.values().every(saved)
    )
  }

  /** Lets stored transactions go, the bulk of a ledger and rarely asked for again; returns how many went. */
  evictTransactions(): number {
    const before = this.transactions.size
    for (const [id, cell] of this.transactions) {
      if (!saved(cell)) continue
      this.transactions.delete(id)
      if (cell.held.version > 0) this.#isWhole = false
    }
    return before - this.transactions.size
  }

  /** Folds one event into every state it concerns, or throws and changes nothing. */
  fold(event: OpenedEvent, hash: Buffer): readonly Change[] {
    const { root } = this
    if (event.sequence !== root.held.sequence + 1) {
      throw new Error(`event ${event.sequence} after event ${root.held.sequence}`)
    }
    const { sequence } = event
    const after: { readonly cell: Cell; readonly held: Held }[] = []
    const [owner, ...others] = foldsInto(event.body)
    const owned = this.cell(owner.type, owner.id)
    const version = owned === root ? root.held.state.ledgerVersion : owned.held.version
    if (event.version !== version + 1) {
      throw new Error(`version ${event.version} of a ${owner.type} after version ${version}`)
    }
    after.push({
      cell: root,
      held: { state: evolveRoot(root.held.state, event, hash), sequence, version: sequence },
    })
    if (owned !== root) {
      after.push({
        cell: owned,
        held: { state: evolved(owned, event), sequence, version: event.version },
      })
    }
    for (const { type, id } of others) {
      const cell = this.cell(type, id)
      after.push({
        cell,
        held: { state: evolved(cell, event), sequence, version: cell.held.version },
      })
    }
    return after.map(({ cell, held }) => {
      const before = cell.held
      cell.held = held
      return { cell, before }
    })
  }
}

/** A cell that a fold changed, and what it held before. */
export type Change = { readonly cell: Cell; readonly before: Held }

function evolved(cell: Cell, event: OpenedEvent): StateOf[StateType] {
  const evolve = evolvers[cell.type as Owned] as (
    state: unknown,
    event: OpenedEvent,
  ) => StateOf[StateType]
  return evolve(cell.held.state, event)
}

function saved(cell: Cell): boolean {
  return cell.held.sequence === cell.savedSequence
}

function emptyCell<T extends StateType>(type: T, id: string): Cell<T> {
  return { type, id, held: { state: initial[type], sequence: 0, version: 0 }, savedSequence: 0 }
}

function cellIn<T extends StateType>(cells: Map<string, Cell<T>>, type: T, id: string): Cell<T> {
  let cell = cells.get(id)
  if (cell === undefined) {
    cell = emptyCell(type, id)
    cells.set(id, cell)
  }
  return cell
}
