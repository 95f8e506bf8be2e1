import { personalOf, textOf, type OpenedEvent } from '../../schemas/opened-event.ts'
import type { CreateCategory, DeleteCategory, RenameCategory } from '../../schemas/types.ts'
import { isBuiltIn } from '../../schemas/built-in-categories.ts'
import {
  accept,
  reject,
  repeated,
  unreachable,
  type Category,
  type Context,
  type Decider,
  type Decision,
} from '../decider.ts'
import { nameKey, nameProblem } from '../texts.ts'

export type CategoryCommand = CreateCategory | RenameCategory | DeleteCategory

/** Categories of the user's own; built-in ones and deleted ones do not count. */
export const CATEGORIES_MAX = 100

function decide(category: Category, command: CategoryCommand, context: Context): Decision {
  if (isBuiltIn(command.categoryId)) {
    return reject(
      'categoryId',
      'category-built-in',
      'a built-in category cannot be created, renamed or deleted',
    )
  }
  switch (command.type) {
    case 'CreateCategory': {
      if (category.status !== 'absent') return repeated(category, 'categoryId', context)
      const problem = nameProblem(command.name) ?? nameClash(command, context)
      if (problem !== undefined) return problem
      if (context.ledger.activeCategories().length >= CATEGORIES_MAX) {
        return reject(
          'categoryId',
          'categories-over-limit',
          `a user has at most ${CATEGORIES_MAX} categories of their own`,
        )
      }
      return accept(
        {
          type: 'CategoryCreated',
          categoryId: command.categoryId,
          contentHash: context.contentHash,
        },
        personalOf({ name: command.name }),
      )
    }
    case 'RenameCategory': {
      if (category.status !== 'active') return unknown()
      const problem = nameProblem(command.name) ?? nameClash(command, context)
      if (problem !== undefined) return problem
      if (category.name === command.name)
        return reject('name', 'nothing-to-change', 'the category has that name already')
      return accept(
        { type: 'CategoryRenamed', categoryId: command.categoryId },
        personalOf({ name: command.name, previousName: category.name }),
      )
    }
    case 'DeleteCategory':
      if (category.status !== 'active') return unknown()
      if (context.ledger.usage(command.categoryId) > 0) {
        return reject('categoryId', 'category-in-use', 'transactions are still in the category')
      }
      if (context.ledger.activeBudgets().some(({ plan }) => plan.categoryId === command.categoryId))
        return reject('categoryId', 'category-in-use', 'a budget is still set for the category')
      return accept({ type: 'CategoryDeleted', categoryId: command.categoryId })
    default:
      return unreachable(command)
  }
}

function unknown(): Decision {
  return reject('categoryId', 'category-unknown', 'there is no such category')
}

function nameClash(
  command: CreateCategory | RenameCategory,
  context: Context,
): Decision | undefined {
  const key = nameKey(command.name)
  const taken =
    isBuiltIn(key) ||
    context.ledger
      .activeCategories()
      .some(
        ({ categoryId, name }) =>
          categoryId !== command.categoryId && name !== null && nameKey(name) === key,
      )
  return taken ? reject('name', 'name-taken', 'another category has that name') : undefined
}

function evolve(category: Category, event: OpenedEvent): Category {
  const { body, personal } = event
  if (body.type === 'CategoryCreated') {
    if (category.status !== 'absent')
      throw new Error(`CategoryCreated on a category that is ${category.status}`)
    return {
      status: 'active',
      name: textOf(personal, 'name'),
      contentHash: body.contentHash,
      firstSequence: event.sequence,
    }
  }
  if (category.status !== 'active')
    throw new Error(`${body.type} on a category that is ${category.status}`)
  switch (body.type) {
    case 'CategoryRenamed':
      return { ...category, name: textOf(personal, 'name') }
    case 'CategoryDeleted':
      return { ...category, status: 'deleted' }
    default:
      throw new Error(`a category does not fold ${body.type}`)
  }
}

export const category: Decider<Category, CategoryCommand> = {
  initial: { status: 'absent' },
  decide,
  evolve,
}
