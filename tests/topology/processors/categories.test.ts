import { expect, test } from 'vitest'
import type { LedgerCommandBody } from '../../../schemas/types.ts'
import { categories } from '../../../topology/processors/categories.ts'
import { COMMANDS_AT } from '../../support/arbitrary-commands.ts'
import { created, groceries, opened } from '../../support/example-commands.ts'
import { foldedRows } from '../../support/memory-tables.ts'
import { eventsOfBodies } from '../../support/sourced-events.ts'

const renamed: LedgerCommandBody = { type: 'RenameCategory', categoryId: 'c-1', name: 'Animals' }
const removed: LedgerCommandBody = { type: 'DeleteCategory', categoryId: 'c-1' }
const pets = {
  user_id: 'user-1',
  category_id: 'c-1',
  name: 'Pets',
  status: 'active',
  created_at: COMMANDS_AT,
  updated_at: COMMANDS_AT,
  version: 1,
}

test('a category is created, renamed and deleted; its row stays', async () => {
  const events = eventsOfBodies(created('c-1', 'Pets'), renamed, removed)
  const after = (count: number) => foldedRows(categories, events.slice(0, count))
  const animals = { ...pets, name: 'Animals', updated_at: COMMANDS_AT + 1, version: 2 }
  expect(await after(1)).toEqual([pets])
  expect(await after(2)).toEqual([animals])
  expect(await after(3)).toEqual([
    { ...animals, status: 'deleted', updated_at: COMMANDS_AT + 2, version: 3 },
  ])
})

test('built-in categories have no rows, however they are used', async () => {
  expect(await foldedRows(categories, eventsOfBodies(opened, groceries))).toEqual([])
})

test('a rename of a category that is not there is a fault', async () => {
  const events = eventsOfBodies(created('c-1', 'Pets'), renamed).slice(1)
  await expect(foldedRows(categories, events)).rejects.toThrow('CategoryRenamed for a row')
})
