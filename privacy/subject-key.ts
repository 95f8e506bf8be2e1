import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { keyedHash } from './keyed-hash.ts'

/** What a subject's data key is used for: sealing, and hashes that nobody can compute without it. */
export type SubjectKey = {
  readonly sealing: KeyObject
  /** HMAC-SHA-256; both key and content are needed to compute it. */
  hash(content: Uint8Array | string): Buffer
}

/** A key, or the fact that it was shredded: what it sealed is not readable any more, by anybody. */
export type SubjectKeyOrShredded = SubjectKey | 'shredded'

/** Two keys from one (HKDF, RFC 5869), so that sealing and hashing never share one. */
export function subjectKey(dataKey: Uint8Array): SubjectKey {
  const derived = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', dataKey, '', `saldo ${purpose}`, 32))
  // Readers open and never hash.
  let hashed: ((content: Uint8Array) => Buffer) | undefined
  return {
    sealing: createSecretKey(derived('seal')),
    hash(content) {
      hashed ??= keyedHash(derived('hash'))
      return hashed(typeof content === 'string' ? Buffer.from(content) : content)
    },
  }
}
