import { hash } from 'node:crypto'
import type { Sealer } from '../actors/answer.ts'
import { commandContent, eventCodec, WIRE_PREFIX_BYTES } from '../schemas/codec.ts'
import type { LedgerCommandBody } from '../schemas/types.ts'
import { sealPersonal } from '../privacy/personal.ts'
import type { SubjectKey, SubjectKeyOrShredded } from '../privacy/subject-key.ts'

const CONTENT_HASH_BYTES = 16
const HASH_BYTES = 32

/** A batch asks for the sealer of every ledger in it: one is made per key. */
const sealers = new WeakMap<SubjectKey, Sealer>()

/** Lends a subject's key to the rules of its ledger. */
export function sealerOf(key: SubjectKeyOrShredded): Sealer {
  if (key === 'shredded') return shredded
  let sealer = sealers.get(key)
  if (sealer === undefined) sealers.set(key, (sealer = newSealer(key)))
  return sealer
}

function newSealer(key: SubjectKey): Sealer {
  return {
    readable: true,
    contentHash: (body) =>
      key.hash(commandContent(withoutProvenance(body))).subarray(0, CONTENT_HASH_BYTES),
    encode(event) {
      const { personal } = event
      if (personal === 'not-readable') throw new Error('a new event has texts or none')
      const value = eventCodec.encode({ ...event, personal: sealPersonal(key, personal, event) })
      return { value, hash: eventHash(value) }
    },
  }
}

/** The raw record says where a transaction came from, not what it is: a bank's next export may show another balance in it. */
function withoutProvenance(body: LedgerCommandBody): LedgerCommandBody {
  return body.type === 'RecordTransaction' && body.rawData !== null
    ? { ...body, rawData: null }
    : body
}

const shredded: Sealer = {
  readable: false,
  contentHash: () => Buffer.alloc(0),
  encode: () => {
    throw new Error('an erased ledger takes no events')
  },
}

/** SHA-256 of an event as encoded, without the wire prefix: what the next event of the ledger carries. */
export function eventHash(value: Buffer): Buffer {
  // Of its own and by way of a text, as in `privacy/keyed-hash.ts`.
  const result = Buffer.alloc(HASH_BYTES)
  result.write(hash('sha256', value.subarray(WIRE_PREFIX_BYTES), 'latin1'), 'latin1')
  return result
}
