import { beforeEach, expect, test } from 'vitest'
import type { Row, TableName } from '../../sink/tables.ts'
import { RowCache } from '../../topology/row-cache.ts'

const category = (id: string, version = 1): Row => ({
  user_id: 'user-1',
  category_id: id,
  name: 'Pets',
  status: 'active',
  created_at: 1,
  updated_at: 1,
  version,
})
const keyOf = ({ user_id = null, category_id = null }: Row): Row => ({ user_id, category_id })
const upsert = (rows: readonly Row[], removed: readonly Row[] = []) =>
  ({ table: 'categories', mode: 'upsert', rows, removed }) as const

let asked: (readonly Row[])[]
beforeEach(() => {
  asked = []
})

/** A store in which every row is at version 0. */
function read(_: TableName, keys: readonly Row[]): Promise<readonly Row[]> {
  asked.push(keys)
  return Promise.resolve(keys.map((key) => category(String(key['category_id']), 0)))
}
const versions = async (cache: RowCache, ...ids: string[]) => {
  const rows = await cache.read(
    'categories',
    ids.map((id) => keyOf(category(id))),
    read,
  )
  return rows.map((row) => [row['category_id'], row['version']])
}

test('a row that was written is not read again; the rest is asked for in one go', async () => {
  const cache = new RowCache()
  cache.applied(upsert([category('a'), category('b')]))
  cache.applied(upsert([category('b', 2)]))
  expect(await versions(cache, 'x', 'a', 'b', 'y')).toEqual([
    ['a', 1],
    ['b', 2],
    ['x', 0],
    ['y', 0],
  ])
  expect(asked).toEqual([[keyOf(category('x')), keyOf(category('y'))]])
})

test('with every row at hand nothing is asked', async () => {
  const cache = new RowCache()
  cache.applied(upsert([category('a')]))
  await versions(cache, 'a')
  expect(asked).toEqual([])
})

test('a row that was removed is asked for again', async () => {
  const cache = new RowCache()
  cache.applied(upsert([category('a')]))
  cache.applied(upsert([], [keyOf(category('a'))]))
  expect(await versions(cache, 'a')).toEqual([['a', 0]])
})

test('a row that was added to is asked for again: what it holds now is known to the store alone', async () => {
  const cache = new RowCache()
  cache.applied(upsert([category('a'), category('b')]))
  cache.applied({ ...upsert([]), added: [category('a')] })
  expect(await versions(cache, 'a', 'b')).toEqual([
    ['b', 1],
    ['a', 0],
  ])
})

test('above its bound the rows that were written longest ago go', async () => {
  const cache = new RowCache(2)
  cache.applied(upsert([category('a'), category('b')]))
  cache.applied(upsert([category('a', 2)]))
  cache.applied(upsert([category('c')]))
  expect(await versions(cache, 'a', 'b', 'c')).toEqual([
    ['a', 2],
    ['c', 1],
    ['b', 0],
  ])
})

test('one that keeps all knows what was read, what there is none of, and what began', async () => {
  const cache = new RowCache(10, 'all')
  const stored = new Map([['a', category('a')]])
  const readStored = (_: TableName, keys: readonly Row[]): Promise<readonly Row[]> => {
    asked.push(keys)
    const rows = keys.map((key) => stored.get(String(key['category_id'])))
    return Promise.resolve(rows.filter((row) => row !== undefined))
  }
  const keys = ['a', 'b', 'c'].map((id) => keyOf(category(id)))
  expect(await cache.read('categories', keys, readStored)).toEqual([category('a')])
  expect(await cache.read('categories', keys, readStored)).toEqual([category('a')])
  expect(asked).toEqual([keys])
  cache.applied({ table: 'categories', mode: 'upsert', rows: [], fresh: [category('b')] })
  expect(await cache.read('categories', keys, readStored)).toEqual([category('a'), category('b')])
  expect(asked).toHaveLength(1)
})

test('rows that are asked for by some columns of the key are always read', async () => {
  const cache = new RowCache(10, 'all')
  cache.applied(upsert([category('a')]))
  const part = [{ user_id: 'user-1' }]
  await cache.read('categories', part, read)
  await cache.read('categories', part, read)
  expect(asked).toEqual([part, part])
})
