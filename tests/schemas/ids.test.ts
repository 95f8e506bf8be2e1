import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventIdOf, isId, isUuid, uuidFromHex } from '../../schemas/ids.ts'

describe('an id', () => {
  test.each(['a', '0', 'A-1', 'bank:NO93', 'a.b_c', 'constructor', 'x'.repeat(64)])(
    'is %s',
    (id) => {
      expect(isId(id)).toBe(true)
    },
  )

  test.each([
    '',
    '-a',
    '.a',
    '_a',
    ':a',
    '__proto__',
    'a b',
    'a/b',
    'a\\b',
    'a\n',
    '\na',
    'a\0',
    'å',
    'a😀',
    'x'.repeat(65),
  ])('is not %j', (id) => {
    expect(isId(id)).toBe(false)
  })
})

describe('a uuid', () => {
  test('is lower-case hexadecimal, of any version', () => {
    expect(isUuid('0199a3c4-7d2e-7a10-8f00-3b1c5d9e2f41')).toBe(true)
    for (const text of [
      '0199A3C4-7D2E-7A10-8F00-3B1C5D9E2F41',
      '0199a3c47d2e7a108f003b1c5d9e2f41',
      '0199a3c4-7d2e-7a10-8f00-3b1c5d9e2f41\n',
      '{0199a3c4-7d2e-7a10-8f00-3b1c5d9e2f41}',
      '',
    ])
      expect(isUuid(text)).toBe(false)
  })

  test('from a hash is of version 8 with the variant of RFC 9562 and the other bits of the hash', () => {
    expect(uuidFromHex('f'.repeat(64))).toBe('ffffffff-ffff-8fff-bfff-ffffffffffff')
    expect(uuidFromHex('0'.repeat(64))).toBe('00000000-0000-8000-8000-000000000000')
    expect(uuidFromHex('0123456789abcdef0123456789abcdef')).toBe(
      '01234567-89ab-8def-8123-456789abcdef',
    )
  })
})

describe('the id of an event', () => {
  test('is the same on every replay: these are in logs', () => {
    expect(eventIdOf('user-1', 1)).toBe('4ee91f2e-e89c-8ef5-8ef0-e7cd2abebc74')
    expect(eventIdOf('user-1', 2)).toBe('ec524359-2ea2-86d8-ada4-f0f420d12985')
    expect(eventIdOf('user-2', 1)).toBe('a4e56074-3dd9-82ab-bd5b-773889586863')
  })

  test('is a uuid, and another for every user and every sequence', () => {
    const place = fc.tuple(fc.string(), fc.nat())
    fc.assert(
      fc.property(place, place, ([userId, sequence], [otherId, other]) => {
        const id = eventIdOf(userId, sequence)
        expect(isUuid(id)).toBe(true)
        const isSame = userId === otherId && sequence === other
        expect(id === eventIdOf(otherId, other)).toBe(isSame)
      }),
    )
    // A digit may not move from the user to the sequence.
    expect(eventIdOf('user-1', 11)).not.toBe(eventIdOf('user-11', 1))
  })
})
