import type { Body, Traffic } from './household-traffic.ts'

/** What an engine must answer and hold, told by somebody who knows nothing of logs, batches or checkpoints. */
export type HouseholdModel = {
  answer(command: Traffic): Verdict
  /** Minor units by user and account. */
  balances(): ReadonlyMap<string, bigint>
}

export type Verdict = 'accepted' | 'rejected' | 'duplicate'

type Household = {
  readonly accounts: Map<string, { readonly content: string; currency: string; balance: bigint }>
  readonly transactions: Map<string, Transaction>
  readonly categories: Map<
    string,
    { readonly content: string; readonly name: string; active: boolean }
  >
  /** Ids of accepted commands that created nothing. */
  readonly changes: Set<string>
}
type Transaction = {
  readonly content: string
  readonly accountId: string
  amount: bigint
  category: string | undefined
  deleted: boolean
}

export function householdModel(): HouseholdModel {
  const households = new Map<string, Household>()
  return {
    answer({ commandId, userId, body }) {
      const household = households.get(userId) ?? newHousehold()
      households.set(userId, household)
      if (household.changes.has(commandId)) return 'duplicate'
      const verdict = answerTo(household, body)
      if (verdict === 'accepted' && !creates(body)) household.changes.add(commandId)
      return verdict
    },
    balances: () =>
      new Map(
        [...households].flatMap(([userId, { accounts }]) =>
          Array.from(accounts, ([id, { balance }]) => [`${userId} ${id}`, balance] as const),
        ),
      ),
  }
}

function newHousehold(): Household {
  return {
    accounts: new Map(),
    transactions: new Map(),
    categories: new Map(),
    changes: new Set(),
  }
}

function creates({ type }: Body): boolean {
  return type === 'OpenAccount' || type === 'RecordTransaction' || type === 'CreateCategory'
}

function answerTo(household: Household, body: Body): Verdict {
  const { accounts, transactions, categories } = household
  const content = JSON.stringify(body)
  switch (body.type) {
    case 'OpenAccount':
      return created(accounts, body.accountId, { content, currency: body.currency, balance: 0n })
    case 'CreateCategory': {
      const taken = categories
        .entries()
        .some(([id, other]) => id !== body.categoryId && other.active && other.name === body.name)
      if (taken) return 'rejected'
      return created(categories, body.categoryId, { content, name: body.name, active: true })
    }
    case 'RecordTransaction': {
      const { transactionId, accountId } = body
      const amount = BigInt(body.amountMinor)
      const account = accounts.get(accountId)
      const fits = account?.currency === body.currency && amount !== 0n
      if (!fits && !transactions.has(transactionId)) return 'rejected'
      const transaction = { content, accountId, amount, category: undefined, deleted: false }
      const verdict = created(transactions, transactionId, transaction)
      if (verdict === 'accepted' && account !== undefined) account.balance += amount
      return verdict
    }
    case 'DeleteCategory': {
      const category = categories.get(body.categoryId)
      const used = transactions
        .values()
        .some((other) => !other.deleted && other.category === body.categoryId)
      if (category?.active !== true || used) return 'rejected'
      category.active = false
      return 'accepted'
    }
    default:
      return changed(household, body)
  }
}

function created<T extends { readonly content: string }>(
  all: Map<string, T>,
  id: string,
  value: T,
): Verdict {
  const known = all.get(id)
  if (known !== undefined) return known.content === value.content ? 'duplicate' : 'rejected'
  all.set(id, value)
  return 'accepted'
}

type Change = Extract<Body, { type: 'AmendTransaction' | 'DeleteTransaction' | 'OverrideCategory' }>

function changed({ accounts, transactions, categories }: Household, body: Change): Verdict {
  const transaction = transactions.get(body.transactionId)
  const account = accounts.get(transaction?.accountId ?? '')
  if (transaction === undefined || account === undefined || transaction.deleted) return 'rejected'
  switch (body.type) {
    case 'AmendTransaction': {
      const amount = BigInt(body.amountMinor)
      if (amount === transaction.amount) return 'rejected'
      account.balance += amount - transaction.amount
      transaction.amount = amount
      return 'accepted'
    }
    case 'DeleteTransaction':
      account.balance -= transaction.amount
      transaction.deleted = true
      return 'accepted'
    case 'OverrideCategory': {
      const own = categories.get(body.categoryId)?.active === true
      if (!own && body.categoryId !== 'groceries') return 'rejected'
      transaction.category = body.categoryId
      return 'accepted'
    }
  }
}
