/** X.509 certificates for tests, made in memory: an authority, and whom it vouches for. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

export type Certified = {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS 8. */
  readonly key: string
}

export type Authority = Certified & {
  /** DNS names and addresses that the certificate is for; valid from a day ago unless it says until when. */
  certify(name: string, names: readonly string[], validUntil?: Date): Certified
}

const DAY_MS = 86_400_000

export function authority(name: string): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const isAuthority = sequence(oid('2.5.29.19'), BOOLEAN_TRUE, octets(sequence(BOOLEAN_TRUE)))
  const own = { subject: name, publicKey: keys.publicKey, extensions: [isAuthority] }
  return {
    certificate: issue(own, { name, key: keys.privateKey }, inDays(30)),
    key: pemOf(keys.privateKey),
    certify(subject, names, validUntil = inDays(30)) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      const isFor = sequence(oid('2.5.29.17'), octets(sequence(...names.map(alternative))))
      const wanted = { subject, publicKey, extensions: names.length === 0 ? [] : [isFor] }
      const issuer = { name, key: keys.privateKey }
      return { certificate: issue(wanted, issuer, validUntil), key: pemOf(privateKey) }
    },
  }
}

function issue(
  wanted: {
    readonly subject: string
    readonly publicKey: KeyObject
    readonly extensions: readonly Buffer[]
  },
  issuer: { readonly name: string; readonly key: KeyObject },
  validUntil: Date,
): string {
  const withSha256 = sequence(oid('1.2.840.10045.4.3.2'))
  const content = sequence(
    tagged(0xa0, integer(2)),
    integer(Date.now()),
    withSha256,
    distinguished(issuer.name),
    sequence(time(inDays(-2)), time(validUntil)),
    distinguished(wanted.subject),
    wanted.publicKey.export({ type: 'spki', format: 'der' }),
    ...(wanted.extensions.length === 0 ? [] : [tagged(0xa3, sequence(...wanted.extensions))]),
  )
  const signature = sign('sha256', content, issuer.key)
  const whole = sequence(content, withSha256, tagged(0x03, Buffer.of(0), signature))
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS)
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

// Distinguished encoding rules (X.690), as far as certificates need them.

const BOOLEAN_TRUE = tagged(0x01, Buffer.of(0xff))

function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  // The shortest form is the only right one: Java signs what it would have written.
  const inFull = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.of(tag, ...(length < 128 ? [length] : inFull)), body])
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x30, ...parts)
}

function octets(body: Buffer): Buffer {
  return tagged(0x04, body)
}

function integer(value: number): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  // A first bit that is set would be a sign.
  return tagged(0x02, Buffer.of(...((bytes[0] ?? 0) > 127 ? [0] : [])), bytes)
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = rest.flatMap((number) => {
    const groups = [number & 127]
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128)
    return groups
  })
  return tagged(0x06, Buffer.of(first * 40 + second, ...bytes))
}

function distinguished(name: string): Buffer {
  const text = tagged(0x0c, Buffer.from(name))
  return sequence(tagged(0x31, sequence(oid('2.5.4.3'), text)))
}

function time(at: Date): Buffer {
  const text = at.toISOString().replace(/[-:T]|\.\d+/g, '')
  return tagged(0x17, Buffer.from(text.slice(2)))
}

function alternative(name: string): Buffer {
  if (isIP(name) === 4) return tagged(0x87, Buffer.from(name.split('.').map(Number)))
  return tagged(0x82, Buffer.from(name))
}
