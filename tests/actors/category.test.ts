import { describe, expect, test } from 'vitest'
import { builtInCategories, UNCATEGORIZED } from '../../schemas/built-in-categories.ts'
import type { CategoryCommand } from '../../actors/category/category.ts'
import type { Category } from '../../actors/decider.ts'
import type { Rule } from '../../actors/rules.ts'
import type { LedgerCommandBody } from '../../schemas/types.ts'
import { created, deleted, groceries, opened, recorded } from '../support/example-commands.ts'
import { given } from '../support/specification.ts'

const pets = created('c-1', 'Pets')
const removed = { type: 'DeleteCategory', categoryId: 'c-1' } as const

function renamed(name: string, categoryId = 'c-1'): LedgerCommandBody {
  return { type: 'RenameCategory', categoryId, name }
}

type Verdict = 'accepted' | 'duplicate' | Rule

const histories: { readonly [S in Category['status']]: readonly LedgerCommandBody[] } = {
  absent: [],
  active: [pets],
  deleted: [pets, removed],
}
const commands: { readonly [C in CategoryCommand['type']]: LedgerCommandBody } = {
  CreateCategory: pets,
  RenameCategory: renamed('Animals'),
  DeleteCategory: removed,
}
/** What a category answers in each state: every cell is decided. */
const verdicts: Record<Category['status'], Record<CategoryCommand['type'], Verdict>> = {
  absent: {
    CreateCategory: 'accepted',
    RenameCategory: 'category-unknown',
    DeleteCategory: 'category-unknown',
  },
  active: { CreateCategory: 'duplicate', RenameCategory: 'accepted', DeleteCategory: 'accepted' },
  deleted: {
    CreateCategory: 'duplicate',
    RenameCategory: 'category-unknown',
    DeleteCategory: 'category-unknown',
  },
}

describe('a category', () => {
  test.each(
    Object.entries(verdicts).flatMap(([status, row]) =>
      Object.entries(row).map(([command, verdict]) => ({ status, command, verdict })),
    ),
  )('that is $status answers $command with $verdict', ({ status, command, verdict }) => {
    const { outcome } = given(...histories[status as Category['status']]).when(
      commands[command as CategoryCommand['type']],
    ).answer
    expect(outcome.code ?? outcome.verdict).toBe(verdict)
  })

  test('is created with its name in the sealed part', () => {
    given()
      .when(pets)
      .expectEvent({ type: 'CategoryCreated', categoryId: 'c-1' }, { name: 'Pets' })
      .expectState('category', 'c-1', { status: 'active', name: 'Pets', firstSequence: 1 })
  })

  test('keeps old and new name of a rename', () => {
    given(pets)
      .when(renamed('Animals'))
      .expectEvent({ type: 'CategoryRenamed' }, { name: 'Animals', previousName: 'Pets' })
  })

  test.each([...builtInCategories, UNCATEGORIZED])(
    'cannot have the id of %s, which is built in, nor its name',
    (id) => {
      given().when(created(id, 'Mine')).expectRejected('category-built-in', 'categoryId')
      given().when(renamed('Mine', id)).expectRejected('category-built-in', 'categoryId')
      given()
        .when({ type: 'DeleteCategory', categoryId: id })
        .expectRejected('category-built-in', 'categoryId')
      given().when(created('c-1', id.toUpperCase())).expectRejected('name-taken', 'name')
    },
  )

  test.each([
    ['case', 'Pets', 'pETS'],
    ['blanks around', 'Pets', '  Pets '],
    ['composition, NFC first', 'Caf\u00e9', 'Cafe\u0301'],
    ['composition, NFD first', 'Cafe\u0301', 'CAF\u00c9'],
  ])('has a name that differs from the others in more than %s', (_what, first, second) => {
    given(created('c-1', first)).when(created('c-2', second)).expectRejected('name-taken', 'name')
    given(created('c-1', first), created('c-2', 'Boats'))
      .when(renamed(second, 'c-2'))
      .expectRejected('name-taken', 'name')
    given(created('c-1', first)).when(renamed(second)).expectEvent({ type: 'CategoryRenamed' })
  })

  test('is not renamed to the name it has', () => {
    given(pets).when(renamed('Pets')).expectRejected('nothing-to-change', 'name')
  })

  test('gives its name free when it is renamed or deleted', () => {
    given(pets, renamed('Animals')).when(created('c-2', 'Pets')).expectEvent({
      type: 'CategoryCreated',
    })
    given(pets, removed).when(created('c-2', 'Pets')).expectEvent({ type: 'CategoryCreated' })
  })

  test('never gives its id free', () => {
    given(pets).when(created('c-1', 'Boats')).expectRejected('id-taken', 'categoryId')
    given(pets, removed).when(created('c-1', 'Boats')).expectRejected('id-taken', 'categoryId')
    given(pets, removed).when(pets).expectDuplicate()
  })

  test('has a name of 1 to 100 characters without NUL', () => {
    given()
      .when(created('c-1', '😀'.repeat(100)))
      .expectEvent({ type: 'CategoryCreated' })
    given()
      .when(created('c-1', '😀'.repeat(101)))
      .expectRejected('text-too-long', 'name')
    given().when(created('c-1', '')).expectRejected('name-empty', 'name')
    given(pets).when(renamed(' \u200b')).expectRejected('name-empty', 'name')
    given(pets).when(renamed('a\0b')).expectRejected('text-invalid', 'name')
  })

  test('is one of at most 100, deleted ones not counted', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => created(`c-${n}`, `Name ${n}`))
    given(...hundred)
      .when(created('c-100', 'One more'))
      .expectRejected('categories-over-limit', 'categoryId')
    given(...hundred, removed)
      .when(created('c-100', 'One more'))
      .expectEvent({ type: 'CategoryCreated' })
  })
})

describe('a category is deleted only when no transaction is in it', () => {
  const inPets = recorded({ categoryId: 'c-1' })
  const intoPets = { type: 'OverrideCategory', transactionId: 't-1', categoryId: 'c-1' } as const

  test('counting recorded and overridden ones', () => {
    given(opened, pets, inPets).when(removed).expectRejected('category-in-use', 'categoryId')
    given(opened, pets, groceries, intoPets).when(removed).expectRejected('category-in-use')
  })

  test('no longer counting deleted and moved ones', () => {
    given(opened, pets, inPets, deleted)
      .when(removed)
      .expectEvent({ type: 'CategoryDeleted' }, null)
    given(opened, pets, inPets, { ...intoPets, categoryId: 'other' })
      .when(removed)
      .expectEvent({ type: 'CategoryDeleted' })
  })

  test('counting a confirmation once', () => {
    given(opened, pets, inPets, intoPets, { ...intoPets, categoryId: 'other' })
      .when(removed)
      .expectEvent({ type: 'CategoryDeleted' })
  })

  test.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty'])(
    'also when its id is %s, which every object has',
    (categoryId) => {
      const hostile = created(categoryId, 'Hostile')
      const inHostile = recorded({ categoryId })
      given(opened, hostile)
        .when(inHostile)
        .expectState('root', 'root', { usage: { [categoryId]: 1 } })
      given(opened, hostile, inHostile)
        .when({ type: 'DeleteCategory', categoryId })
        .expectRejected('category-in-use')
      given(opened, hostile, inHostile, deleted)
        .when({ type: 'DeleteCategory', categoryId })
        .expectEvent({ type: 'CategoryDeleted' })
    },
  )
})
