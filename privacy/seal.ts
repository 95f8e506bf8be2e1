/**
 * AES-256-GCM with a random nonce. Sealed bytes are nonce (12) | ciphertext | tag (16).
 *
 * The nonce is random and not derived from a sequence, because an aborted batch uses its sequences again.
 */
import { createCipheriv, createDecipheriv, randomFillSync, type KeyObject } from 'node:crypto'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const POOL_BYTES = NONCE_BYTES * 1024

/** Random bytes are drawn in large pieces: one call per nonce costs more than the seal itself. */
const pool = Buffer.allocUnsafeSlow(POOL_BYTES)
let used = POOL_BYTES

function nextNonce(): Buffer {
  if (used === POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  return pool.subarray(used, (used += NONCE_BYTES))
}

/** `aad` is authenticated, not stored: sealed bytes open only in the place they were made for. */
export function seal(key: KeyObject, plain: Uint8Array, aad: string): Buffer {
  const nonce = nextNonce()
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(aad))
  const text = cipher.update(plain)
  cipher.final()
  return Buffer.concat([nonce, text, cipher.getAuthTag()])
}

/** Throws when the key, the place or the bytes are not those of `seal`. */
export function open(key: KeyObject, sealed: Uint8Array, aad: string): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Error('too short to be sealed')
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES))
  decipher.setAAD(Buffer.from(aad))
  decipher.setAuthTag(sealed.subarray(end))
  const plain = decipher.update(sealed.subarray(NONCE_BYTES, end))
  decipher.final()
  return plain
}
