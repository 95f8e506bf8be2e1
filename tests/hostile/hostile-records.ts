/** Records that no honest producer sends, for suites that send them. */
import { commandCodec, eventCodec, outcomeCodec } from '../../schemas/codec.ts'
import { partitionOf } from '../../schemas/partition.ts'
import type { LedgerCommand, LedgerCommandBody } from '../../schemas/types.ts'
import type { Random } from '../../connectors/demo/random.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import { commandIdOf } from '../support/specification.ts'

let sent = 0

export function wish(userId: string, body: LedgerCommandBody, now = Date.now()): LedgerCommand {
  return {
    commandId: commandIdOf(++sent),
    userId,
    issuedAt: now,
    expectedVersion: null,
    initiator: { kind: 'user', id: userId },
    traceparent: null,
    body,
  }
}

/** Bytes that a fuzzer makes of a good record: noise, cut, lengthened, some bits turned, another schema id. */
export function fuzzed(good: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(good)
  const noise = (length: number): Buffer =>
    Buffer.from(Array.from({ length }, () => random.whole(0, 255)))
  switch (random.whole(1, 6)) {
    case 1:
      return noise(random.whole(0, 200))
    case 2:
      return bytes.subarray(0, random.whole(0, bytes.length - 1))
    case 3:
      return Buffer.concat([bytes, noise(random.whole(1, 20))])
    case 4:
      return Buffer.concat([bytes.subarray(0, 5), noise(random.whole(0, 200))])
    case 5:
      return withSchemaId(bytes, random.whole(-(2 ** 31), 2 ** 31 - 1))
    default:
      for (let turned = random.whole(1, 8); turned > 0; turned--) {
        const at = random.whole(0, bytes.length - 1)
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.whole(0, 7))
      }
      return bytes
  }
}

export function withSchemaId(value: Buffer, id: number): Buffer {
  const bytes = Buffer.from(value)
  bytes.writeInt32BE(id, 1)
  return bytes
}

/** A command's bytes under schema ids that are not a command's: of other records, of nobody, of the registry's range. */
export function wrongSchemaIds(good: Buffer): readonly Buffer[] {
  const strangers = [eventCodec.schemaId, outcomeCodec.schemaId, 0, 1, 2 ** 31 - 1, -1]
  return strangers.filter((id) => id !== commandCodec.schemaId).map((id) => withSchemaId(good, id))
}

/** A user of each partition, with a name that tells who it is. */
export function userIn(partition: number, partitions: number, name: string): string {
  for (let n = 0; ; n++) {
    const userId = `${name}-${n}`
    if (partitionOf(Buffer.from(userId), partitions) === partition) return userId
  }
}

/** Bytes as a record of a place, whoever they claim to be of. */
export function recordIn(partition: number, key: string, value: Buffer): NewRecord {
  return { topic: 'ledger.commands', partition, key: Buffer.from(key), value }
}

/** Texts that break what was not meant for them. */
export const oddTexts: readonly string[] = [
  'NUL \0 inside',
  '\0',
  'lone \ud800 surrogate',
  '\udfff\ud800',
  'byte order \ufeff mark',
  'not a character \uffff \ufffe',
  'right \u202e to left \u202c',
  'zero\u200bwidth\u200djoiner',
  'e\u0301 and \u00e9',
  '👩‍👩‍👧‍👦 🏳️‍🌈',
  '\ud83d',
  'line\nfeed \r\n tab\t',
  '\\N',
  '\\.',
  '\\x00',
  "'; DROP TABLE accounts; --",
  '{"a":1}',
  '\u0001\u0008\u001b[31m',
  '𝕳𝖊𝖑𝖑𝖔',
  'z̸̢̛̖̭͚a̴͎̔l̶̥͝g̵͓̀o̷̟͋',
  ' ',
  '',
]

/** Ids that are none. */
export const oddIds: readonly string[] = [
  ...oddTexts,
  'x'.repeat(65),
  'x'.repeat(10_000),
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'a b',
  'æ',
]

const DAY_MS = 86_400_000
/** Instants and days at the ends of what their types can hold, and a bit outside of what a ledger takes. */
export const oddInstants: readonly number[] = [
  Number.MAX_SAFE_INTEGER - 1,
  Number.MIN_SAFE_INTEGER + 1,
  8.64e15,
  8.64e15 + 1,
  -8.64e15,
  -1,
  0,
  Date.UTC(9999, 11, 31),
  Date.UTC(-4713, 10, 23),
  Date.now() + 400 * DAY_MS,
]
export const oddDays: readonly number[] = [2 ** 31 - 1, -(2 ** 31), -1, 0, 2_932_896, 100_000_000]
