/** Built in for everyone: constants, not events, so they cannot be renamed or deleted. */
export const builtInCategories = [
  'groceries',
  'dining',
  'transport',
  'utilities',
  'subscriptions',
  'shopping',
  'entertainment',
  'health',
  'education',
  'travel',
  'income',
  'transfer',
  'other',
] as const

export type BuiltInCategory = (typeof builtInCategories)[number]

/** Not a category to choose: the absence of one. */
export const UNCATEGORIZED = 'uncategorized'

const ids: ReadonlySet<string> = new Set([...builtInCategories, UNCATEGORIZED])

/** True for the thirteen and for `uncategorized`: ids that no user's own category may take. */
export function isBuiltIn(id: string): boolean {
  return ids.has(id)
}
