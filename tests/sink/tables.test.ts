import { describe, expect, test } from 'vitest'
import {
  columnList,
  columnsOf,
  keyText,
  rowOf,
  tables,
  type Row,
  type Table,
} from '../../sink/tables.ts'

describe.each(Object.entries<Table>(tables))('the table %s', (name, table) => {
  test('is listed under its own name, the user first in its key', () => {
    expect(table.name).toBe(name)
    expect(table.key[0]).toBe('user_id')
    expect(columnsOf(table)[0]).toBe('user_id')
  })

  test('has its key among its columns, and adds up columns outside the key, a count last', () => {
    expect(columnsOf(table)).toEqual(expect.arrayContaining([...table.key]))
    const sums = table.sums ?? []
    expect(columnsOf(table)).toEqual(expect.arrayContaining([...sums]))
    expect(sums.filter((column) => table.key.includes(column))).toEqual([])
    if (table.sums !== undefined) expect(table.columns[sums.at(-1) ?? '']).toBe('count')
    // The rest of such a row would be what one of two said: it must all be key, unless only rows without it are added to.
    if (table.sums !== undefined && table.binding === undefined)
      expect([...table.key, ...sums].toSorted()).toEqual([...columnsOf(table)].toSorted())
  })
})

const daily: Row = {
  user_id: 'user-1',
  booked_on: 20_000,
  category_id: 'groceries',
  currency: 'NOK',
  total_minor: 12_550n,
  transaction_count: 1,
}

test('a row as SQL gives it becomes what processors use', () => {
  const raw = {
    ...daily,
    booked_on: '2024-10-04',
    total_minor: '12550',
    transaction_count: '1',
  }
  expect(rowOf(tables.daily_aggregates, raw)).toEqual(daily)
})

test('two rows have one key text only when they have one key', () => {
  const { daily_aggregates: table } = tables
  expect(keyText(table, daily)).toBe(keyText(table, { ...daily, total_minor: 0n }))
  for (const other of [{ user_id: 'user-2' }, { booked_on: 20_001 }, { currency: 'EUR' }]) {
    expect(keyText(table, { ...daily, ...other })).not.toBe(keyText(table, daily))
  }
  const shifted = { ...daily, category_id: 'groceriesN', currency: 'OK' }
  expect(keyText(table, shifted)).not.toBe(keyText(table, daily))
})

test('a column list quotes every name, because some are words of SQL', () => {
  expect(columnList(['user_id', 'offset'], 't.')).toBe('t."user_id", t."offset"')
})
