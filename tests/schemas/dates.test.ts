import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { epochDayOf, epochMonthOf, isoDateOf, isoMonthOf } from '../../schemas/dates.ts'

describe('a calendar date', () => {
  test.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2000-02-29', 11_016],
    ['2024-02-29', 19_782],
    ['2026-03-14', 20_526],
    ['9999-12-31', 2_932_896],
  ])('%s is day %i', (isoDate, day) => {
    expect(epochDayOf(isoDate)).toBe(day)
    expect(isoDateOf(day)).toBe(isoDate)
  })

  test.each([
    '2023-02-29',
    '1900-02-29',
    '2024-02-30',
    '2024-04-31',
    '2024-13-01',
    '2024-00-10',
    '2024-01-00',
    '2024-1-1',
    '24-01-01',
    '20240101',
    '2024-01-01T00:00:00Z',
    ' 2024-01-01',
    '2024-01-01\n',
    '',
  ])('%j does not exist', (isoDate) => {
    expect(epochDayOf(isoDate)).toBeUndefined()
  })

  test('goes to its day and back', () => {
    const days = fc.integer({
      min: epochDayOf('1000-01-01') ?? 0,
      max: epochDayOf('9999-12-31') ?? 0,
    })
    fc.assert(fc.property(days, (day) => epochDayOf(isoDateOf(day)) === day))
  })
})

describe('a calendar month', () => {
  test.each([
    ['1970-01', 0],
    ['1969-12', -1],
    ['2026-03', 674],
    ['9999-12', 96_359],
  ])('%s is month %i', (isoMonth, month) => {
    expect(epochMonthOf(isoMonth)).toBe(month)
    expect(isoMonthOf(month)).toBe(isoMonth)
  })

  test.each(['2026-00', '2026-13', '2026-3', '2026-03-01', '202603', ' 2026-03', ''])(
    '%j does not exist',
    (isoMonth) => {
      expect(epochMonthOf(isoMonth)).toBeUndefined()
    },
  )

  test('goes to its number and back', () => {
    const months = fc.integer({ min: -12 * 1_970, max: 12 * 8_030 - 1 })
    fc.assert(fc.property(months, (month) => epochMonthOf(isoMonthOf(month)) === month))
  })
})
