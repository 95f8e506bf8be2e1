import { describe, expect, test } from 'vitest'
import { changeOf, changeText, userMark } from '../../sink/table-change.ts'
import type { TableBatch, TableMove, TableWrite } from '../../sink/table-store.ts'

const move = (consumer: string, from: bigint, to: bigint): TableMove => ({
  consumer,
  epoch: 1n,
  from,
  to,
  lastEventId: undefined,
})
const rowsOf = (...users: readonly string[]) => users.map((user_id) => ({ user_id }))
const batch = (writes: readonly TableWrite[], moves?: readonly TableMove[]): TableBatch => ({
  partition: 3,
  moves: moves ?? [move('tables:accounts', 7n, 12n), move('tables:transactions', 9n, 12n)],
  writes,
})
const readBack = (given: TableBatch) => changeOf(changeText(given) ?? '')

describe('the notification of a batch', () => {
  test('says where, how far, and who changed in which tables', () => {
    const change = readBack(
      batch([
        { table: 'accounts', mode: 'upsert', rows: rowsOf('ana') },
        {
          table: 'transactions',
          mode: 'upsert',
          rows: rowsOf('ana'),
          fresh: rowsOf('ben', 'ben'),
          removed: rowsOf('cleo'),
        },
      ]),
    )
    expect(change).toEqual({
      source: 'events',
      partition: 3,
      from: 7n,
      to: 12n,
      users: new Map([
        [userMark('ana'), ['accounts', 'transactions']],
        [userMark('ben'), ['transactions']],
        [userMark('cleo'), ['transactions']],
      ]),
    })
  })

  test('of answers to commands says so', () => {
    const change = readBack(
      batch(
        [{ table: 'command_outcomes', mode: 'keep', rows: rowsOf('ana') }],
        [move('tables:command-outcomes', 0n, 1n)],
      ),
    )
    expect(change?.source).toBe('outcomes')
  })

  test('names nobody', () => {
    const text = changeText(batch([{ table: 'accounts', mode: 'upsert', rows: rowsOf('ana') }]))
    expect(text).toMatch(/^events 3 7 12 accounts:[\w-]{6}$/)
    expect(text).not.toContain('ana')
  })

  test('is none for a batch without rows', () => {
    expect(changeText(batch([]))).toBeUndefined()
    expect(changeText(batch([{ table: 'accounts', mode: 'upsert', rows: [] }]))).toBeUndefined()
  })

  test('is none for a table that is being rebuilt beside the live one', () => {
    const writes = [{ table: 'accounts', mode: 'upsert', rows: rowsOf('ana') }] as const
    expect(changeText(batch(writes, [move('rebuild:accounts', 0n, 1n)]))).toBeUndefined()
  })

  const many = (users: number): TableBatch => {
    const rows = rowsOf(...Array.from({ length: users }, (_, user) => `user-${user}`))
    return batch([
      { table: 'accounts', mode: 'upsert', rows },
      { table: 'transactions', mode: 'upsert', rows },
    ])
  }
  test('holds a thousand users', () => {
    const change = readBack(many(1_000))
    expect(change?.users).toBeInstanceOf(Map)
    expect(Object(change?.users)).toHaveProperty('size', 1_000)
  })

  test('of more users than fit says that anybody may have changed', () => {
    expect(Buffer.byteLength(changeText(many(2_000)) ?? '')).toBeLessThan(8_000)
    expect(readBack(many(2_000))?.users).toBe('everybody')
  })

  test.for([[''], ['hello'], ['events 1 2'], ['events x 1 2 a:AAAAAA'], ['others 1 2 3 *']])(
    'of somebody else is not heard: "%s"',
    ([text = '']) => {
      expect(changeOf(text)).toBeUndefined()
    },
  )
})
