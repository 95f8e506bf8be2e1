import type { LedgerStates } from '../actors/ledger-states.ts'
import type { JsonObject } from '../connectors/json.ts'
import { formatMinor } from '../schemas/money.ts'
import type { AccountState, CategoryState } from '../schemas/types.ts'
import { stateAt, type History } from '../topology/time-travel.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Output } from './output.ts'

/** A ledger as people know it: accounts with balances, categories, preferences. */
type Ledger = {
  readonly userId: string
  readonly sequence: number
  readonly accounts: readonly AccountLine[]
  /** Those that count: a deleted one does not. */
  readonly transactions: number
  readonly categories: readonly CategoryLine[]
  readonly preferences: LedgerStates['preferences']
}
type AccountLine = Pick<AccountState, 'kind' | 'name' | 'currency' | 'status'> & {
  readonly accountId: string
  readonly balance: string
}
type CategoryLine = Pick<CategoryState, 'name' | 'status'> & { readonly categoryId: string }

/** Prints a ledger now, or after the event with `sequence`. 1 when there is no such ledger or event. */
export async function runState(
  history: History & { readonly sequence?: number },
  { json }: { readonly json: boolean },
  out: Output,
): Promise<ExitCode> {
  const { userId, sequence } = history
  const states = await stateAt(history)
  if (states === undefined) {
    out.note(`the log has no events of ${userId}`)
    return 1
  }
  const last = states.root.held.sequence
  if (sequence !== undefined && last < sequence) {
    out.note(`the ledger of ${userId} has ${last} events, not ${sequence}`)
    return 1
  }
  const ledger = ledgerOf(states)
  if (json) out.result(JSON.stringify(ledger satisfies JsonObject))
  else for (const line of linesOf(ledger)) out.result(line)
  return 0
}

function ledgerOf(states: LedgerStates): Ledger {
  return {
    userId: states.userId,
    sequence: states.root.held.sequence,
    accounts: Array.from(states.accounts, ([accountId, { held }]) =>
      held.state.status === 'unopened' ? undefined : accountLine(accountId, held.state),
    ).filter((account) => account !== undefined),
    transactions: states.transactions
      .values()
      .filter(({ held }) => held.state.status === 'recorded')
      .toArray().length,
    categories: Array.from(states.categories, ([categoryId, { held }]) =>
      held.state.status === 'absent'
        ? undefined
        : { categoryId, name: held.state.name, status: held.state.status },
    ).filter((category) => category !== undefined),
    preferences: states.preferences,
  }
}

function accountLine(accountId: string, account: AccountState): AccountLine {
  const { kind, name, currency, status, balanceMinor } = account
  return { accountId, kind, name, currency, balance: formatMinor(balanceMinor, currency), status }
}

function* linesOf(ledger: Ledger): Generator<string> {
  const { baseCurrency, timeZone, locale } = ledger.preferences
  yield `ledger ${ledger.userId} after event ${ledger.sequence}`
  for (const { accountId, kind, name, currency, balance, status } of ledger.accounts) {
    yield `account ${accountId}: ${balance} ${currency}, ${kind}, ${status}, ${name ?? 'no name'}`
  }
  yield `transactions: ${ledger.transactions}`
  for (const { categoryId, name, status } of ledger.categories) {
    yield `category ${categoryId}: ${name ?? 'no name'}, ${status}`
  }
  yield `preferences: ${baseCurrency}, ${timeZone}, ${locale}`
}
