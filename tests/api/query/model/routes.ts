import { accountModels } from './accounts.ts'
import { budgetModels } from './budgets.ts'
import { categoryModels } from './categories.ts'
import { eventModels } from './events.ts'
import type { RouteModels } from './ledger.ts'
import { spendingModels } from './spending.ts'
import { transactionModels } from './transactions.ts'

/**
 * What the query API must answer, told by somebody who has only lists: every question goes through all events of a user
 * again. It shares the form of amounts and times with the API, and no rule, table or query.
 */
export const routeModels: RouteModels = {
  ...accountModels,
  ...transactionModels,
  ...categoryModels,
  ...budgetModels,
  ...spendingModels,
  ...eventModels,
}
