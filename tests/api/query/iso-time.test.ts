import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isoTime } from '../../../api/query/iso-time.ts'

test('a time is written as JavaScript writes it, before 1970 and after 9999 too', () => {
  const limit = 8_640_000_000_000_000
  const time = fc.oneof(
    fc.integer({ min: -limit, max: limit }),
    fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
    fc.constantFrom(0, -1, -0.5, 0.9, 59_999, 86_399_999, 86_400_000, limit, -limit),
  )
  fc.assert(
    fc.property(time, (ms) => isoTime(ms) === new Date(ms).toISOString()),
    { numRuns: 2_000 },
  )
})

test('what is no time throws', () => {
  for (const none of [NaN, Infinity, 8_640_000_100_000_000]) {
    expect(() => isoTime(none)).toThrow(RangeError)
  }
})
