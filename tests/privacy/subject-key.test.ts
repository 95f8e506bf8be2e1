import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { open, seal } from '../../privacy/seal.ts'
import { subjectKey } from '../../privacy/subject-key.ts'

const one = subjectKey(Buffer.alloc(32, 1))
const other = subjectKey(Buffer.alloc(32, 2))

/** HKDF and HMAC of RFC 5869 and 2104, computed with another implementation. */
const SEALING = '58672dd33c61b5f45f0b82d25c138772d7863b336116226ca0d949cf0cc1842a'
const HASH = '77a5185730292ee63dab501c1ff7bfa44fc0b10851287eaa06a2adeb31247242'

test('the same data key gives the same keys, on every machine and for ever', () => {
  const again = subjectKey(Buffer.alloc(32, 1))
  expect(again.hash('content')).toEqual(one.hash('content'))
  expect(open(again.sealing, seal(one.sealing, Buffer.from('text'), 'place'), 'place')).toEqual(
    Buffer.from('text'),
  )
  // A change of derivation would make everything that was sealed unreadable.
  expect(one.hash('content').toString('hex')).toBe(HASH)
  expect(one.sealing.export().toString('hex')).toBe(SEALING)
})

test('sealing, hashing and the data key are three different keys', () => {
  const data = Buffer.alloc(32, 1)
  expect(one.sealing.export()).not.toEqual(data)
  const hashedWithSealing = subjectKey(one.sealing.export()).hash('content')
  expect(one.hash('content')).not.toEqual(hashedWithSealing)
  for (const key of [data, one.sealing.export()]) {
    expect(one.hash('content')).not.toEqual(createHmac('sha256', key).update('content').digest())
  }
})

test('two users hash the same content to different values', () => {
  expect(one.hash('content')).not.toEqual(other.hash('content'))
  expect(one.hash('content')).toHaveLength(32)
})

test('one user cannot open what was sealed for another', () => {
  const sealed = seal(one.sealing, Buffer.from('text'), 'place')
  expect(() => open(other.sealing, sealed, 'place')).toThrow()
})

test('text and its bytes have one hash', () => {
  expect(one.hash('Café')).toEqual(one.hash(Buffer.from('Café')))
})
