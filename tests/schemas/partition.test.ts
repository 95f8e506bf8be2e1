import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { murmur2, partitionOf } from '../../schemas/partition.ts'

describe('murmur2', () => {
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is %i, as the Java client has it', (text, expected) => {
    expect(murmur2(Buffer.from(text))).toBe(expected)
  })

  test('reads bytes above 127 and keys of every length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (key) => {
        const hash = murmur2(key)
        expect(hash).toBe(hash | 0)
        expect(murmur2(Buffer.concat([Buffer.of(1), key]).subarray(1))).toBe(hash)
      }),
    )
    // Written down once: a sign that is lost in a high byte would move users.
    expect(murmur2(Buffer.from('Ærlig Ø. 😀'))).toBe(2086704723)
  })
})

describe('the partition of a key', () => {
  test('is the hash without its sign, modulo the number of partitions', () => {
    expect(partitionOf(Buffer.from('21'), 12)).toBe((-973932308 & 0x7fffffff) % 12)
    expect(partitionOf(Buffer.from('abc'), 4)).toBe(479470107 % 4)
  })

  test('exists, and every partition has users', () => {
    const users = Array.from({ length: 1_000 }, (_, n) => Buffer.from(`user-${n}`))
    const counts = Map.groupBy(users, (user) => partitionOf(user, 12))
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 12 }, (_, n) => n),
    )
    for (const { length } of counts.values()) expect(length).toBeGreaterThan(40)
  })
})
