import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyedHash } from '../../privacy/keyed-hash.ts'

function hmac(key: Uint8Array, content: Uint8Array): Buffer {
  return createHmac('sha256', key).update(content).digest()
}

test('is HMAC-SHA-256 for any key of a block and any content', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array(), (key, content) => {
      expect(keyedHash(key)(content)).toEqual(hmac(key, content))
    }),
  )
})

test('hashes contents larger than any before, and smaller ones after them', () => {
  const key = Buffer.alloc(32, 7)
  const hashed = keyedHash(key)
  for (const length of [10_000, 1_000_000, 3, 0]) {
    const content = Buffer.alloc(length, 1)
    expect(hashed(content)).toEqual(hmac(key, content))
  }
})

test('a hash stays as it was when others are made', () => {
  const [one, other] = [keyedHash(Buffer.alloc(32, 1)), keyedHash(Buffer.alloc(32, 2))]
  const first = one(Buffer.from('content'))
  const kept = Buffer.from(first)
  other(Buffer.from('content'))
  expect(first).toEqual(kept)
  expect(one(Buffer.from('content'))).toEqual(kept)
})

test('a key of more than a block is refused', () => {
  expect(() => keyedHash(Buffer.alloc(65))).toThrow('longer')
})
