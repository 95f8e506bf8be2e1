import type { Ledger, Question } from './ledger.ts'
import { routeModels } from './routes.ts'

/** What the stream calls the answers of each route. */
const names: Readonly<Record<keyof typeof routeModels, string>> = {
  '/v1/accounts': 'accounts',
  '/v1/accounts/{accountId}': 'accounts',
  '/v1/accounts/{accountId}/balance': 'balances',
  '/v1/transactions': 'transactions',
  '/v1/transactions/{transactionId}': 'transactions',
  '/v1/categories': 'categories',
  '/v1/budgets': 'budgets',
  '/v1/spending': 'analytics',
  '/v1/analytics/spending': 'analytics',
  '/v1/analytics/total': 'analytics',
  '/v1/aggregates/{type}/{id}/events': 'events',
  '/v1/commands/{commandId}': 'commands',
}

export type Asked = { readonly path: string; readonly question: Question }

/** Of the model, each as a text. */
export function answersTo(asked: readonly Asked[], ledger: Ledger): readonly string[] {
  return asked.map(({ path, question }) =>
    JSON.stringify(routeModels[path]?.answer(ledger, question) ?? null),
  )
}

/** What a client has to read again when these are the answers before and after. */
export function changedBetween(
  before: readonly string[],
  after: readonly string[],
  asked: readonly Asked[],
): ReadonlySet<string> {
  const changed = asked.filter((_, index) => before[index] !== after[index])
  return new Set(changed.map(({ path }) => names[path] ?? path))
}
