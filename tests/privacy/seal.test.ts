import { createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { open, seal } from '../../privacy/seal.ts'

const key = createSecretKey(Buffer.alloc(32, 7))
const PLACE = 'user-1|event-1'

test('what was sealed opens in its place, whatever the bytes and the place', () => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  const places = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(bytes, places, (plain, place) => {
      expect(open(key, seal(key, plain, place), place)).toEqual(Buffer.from(plain))
    }),
  )
})

test('the sealed bytes are a nonce, as many bytes as the text, and a tag', () => {
  const plain = Buffer.from('REMA 1000')
  const sealed = seal(key, plain, PLACE)
  expect(sealed).toHaveLength(12 + plain.length + 16)
  expect(sealed.includes(plain)).toBe(false)
})

test('every changed bit is refused: of the nonce, the text and the tag', () => {
  const sealed = seal(key, Buffer.from('corner shop'), PLACE)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    expect(() => open(key, changed, PLACE), `bit ${bit}`).toThrow()
  }
})

test('every shorter piece is refused', () => {
  const sealed = seal(key, Buffer.from('corner shop'), PLACE)
  for (let length = 0; length < sealed.length; length++) {
    expect(() => open(key, sealed.subarray(0, length), PLACE), `${length} bytes`).toThrow()
  }
})

test('another place is refused', () => {
  const sealed = seal(key, Buffer.from('corner shop'), PLACE)
  for (const place of ['', 'user-1|event-2', 'user-2|event-1', `${PLACE} `]) {
    expect(() => open(key, sealed, place), place).toThrow()
  }
})

test('another key is refused', () => {
  const sealed = seal(key, Buffer.from('corner shop'), PLACE)
  expect(() => open(createSecretKey(randomBytes(32)), sealed, PLACE)).toThrow()
})

test('a nonce is never used twice, across refills of the random pool', () => {
  const nonces = new Set<string>()
  for (let n = 0; n < 10_000; n++) {
    nonces.add(seal(key, Buffer.alloc(0), PLACE).subarray(0, 12).toString('hex'))
  }
  expect(nonces.size).toBe(10_000)
})

test('a seal keeps its nonce when the random pool is filled anew', () => {
  const sealed = Array.from({ length: 3000 }, (_, n) => seal(key, Buffer.from(`text ${n}`), PLACE))
  expect(sealed.map((one) => open(key, one, PLACE).toString())).toEqual(
    sealed.map((_, n) => `text ${n}`),
  )
})
