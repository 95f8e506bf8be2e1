import { beforeEach, expect, test } from 'vitest'
import type { Row } from '../../sink/tables.ts'
import { BindingUsers } from '../../topology/binding-users.ts'

const write = (...rows: readonly Row[]) =>
  ({ table: 'budget_status', mode: 'upsert', rows: [], fresh: rows }) as const
const row = (user_id: string, budget_id: string | null): Row => ({ user_id, budget_id })

let asked: (readonly string[])[]
let holders: readonly string[]
beforeEach(() => {
  asked = []
  holders = ['ben']
})

async function boundOf(users: BindingUsers, ...names: readonly string[]): Promise<string[]> {
  const bound = await users.read('budget_status', new Set(names), (_, unknown) => {
    asked.push([...unknown])
    return Promise.resolve(unknown.intersection(new Set(holders)))
  })
  return [...bound]
}

test('a user is asked for once, whether he has such a row or none', async () => {
  const users = new BindingUsers()
  expect(await boundOf(users, 'ada', 'ben')).toEqual(['ben'])
  expect(await boundOf(users, 'cleo', 'ben', 'ada')).toEqual(['ben'])
  expect(asked).toEqual([['ada', 'ben'], ['cleo']])
})

test('who is given such a row has one from then on, without being asked for', async () => {
  const users = new BindingUsers()
  await boundOf(users, 'ada', 'cleo')
  users.applied(write(row('ada', 'b-1'), row('cleo', null)))
  expect(await boundOf(users, 'ada', 'cleo')).toEqual(['ada'])
  expect(asked).toHaveLength(1)
})

test('above its bound the user who was asked for first is asked for again', async () => {
  const users = new BindingUsers(1)
  await boundOf(users, 'ada')
  await boundOf(users, 'ben')
  users.applied(write())
  holders = ['ada', 'ben']
  expect(await boundOf(users, 'ada')).toEqual(['ada'])
  expect(asked).toEqual([['ada'], ['ben'], ['ada']])
})
