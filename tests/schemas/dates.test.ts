import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { epochDayOf, isoDateOf } from '../../schemas/dates.ts'

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
