import { isBuiltIn } from '../../schemas/built-in-categories.ts'
import { reject, type Context, type Decision } from '../decider.ts'

/** A category that may be used is built in, or an active one of the user's own. */
export function categoryProblem(
  categoryId: string,
  context: Context,
  path = 'categoryId',
): Decision | undefined {
  if (isBuiltIn(categoryId) || context.ledger.category(categoryId).status === 'active')
    return undefined
  return reject(path, 'category-unknown', 'there is no such category')
}
