import { hash } from 'node:crypto'

/** Ids of users, aggregates and initiators: letters, digits and `. _ : -`, 1 to 64 of them. Use random ones: they are keys of records and are never sealed. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isId(text: string): boolean {
  return ID.test(text)
}

/** Lower-case hexadecimal form, any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** The id of a ledger's event: a uuid (version 8) from SHA-256, the same on every replay and unique for ever. */
export function eventIdOf(userId: string, sequence: number): string {
  return uuidFromHex(hash('sha256', `saldo event\n${userId}\n${sequence}`, 'hex'))
}

/** The id of what a table processor tells because of an event, as its `index`th thing: the same on every replay. */
export function noticeIdOf(processor: string, causeEventId: string, index: number): string {
  return uuidFromHex(hash('sha256', `saldo notice\n${processor}\n${causeEventId}\n${index}`, 'hex'))
}

/** The first 128 bits of a hash as a uuid of version 8 (RFC 9562 §5.8: vendor-specific content). */
export function uuidFromHex(hex: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
