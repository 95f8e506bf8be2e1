/** What can be wrong with a connection to Kafka, each in a sentence that names the setting and the remedy. */
import { kafkaSettings as name, type KafkaSecurity } from './kafka-security.ts'

export type Problem = {
  readonly sentence: string
  /** Whether it can go away without anybody who corrects a setting. */
  readonly retryable: boolean
}

/** Names of what went wrong below Kafka, in Node's words. */
export function socketProblem(
  at: string,
  error: Error,
  { tls }: KafkaSecurity,
): Problem | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const host = at.slice(0, at.lastIndexOf(':'))
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return passing(`${at}: the host name "${host}" does not resolve: correct ${name.brokers}`)
    case 'ECONNREFUSED':
      return passing(`${at}: nothing listens there: start the broker or correct ${name.brokers}`)
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return passing(
        `${at}: it cannot be reached (${code}): correct ${name.brokers} or the network`,
      )
    default:
  }
  if (tls === undefined) return undefined
  return certificateProblem(at, code, error) ?? alertProblem(at, code, tls.certificateFile)
}

const unknownAuthority: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
])

/** The broker's certificate is not one to trust. */
function certificateProblem(at: string, code: string, error: Error): Problem | undefined {
  if (unknownAuthority.has(code)) {
    return lasting(
      `${at}: its certificate is of an authority that is not trusted: put the right one into ${name.caFile}`,
    )
  }
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID': {
      return lasting(
        `${at}: its certificate is for another name${namesOf(error)}: use that name in ${name.brokers}, or set ${name.serverName}`,
      )
    }
    case 'CERT_HAS_EXPIRED':
      return lasting(`${at}: its certificate, or one above it, has expired: renew it at the broker`)
    case 'CERT_NOT_YET_VALID':
      return lasting(`${at}: its certificate is not valid yet: look at the clocks of both machines`)
    default:
      return undefined
  }
}

function namesOf(error: Error): string {
  const { cert } = error as { readonly cert?: { readonly subjectaltname?: string } }
  return cert?.subjectaltname === undefined ? '' : ` (${cert.subjectaltname})`
}

/** The broker ended the handshake. */
function alertProblem(
  at: string,
  code: string,
  certificateFile: string | undefined,
): Problem | undefined {
  const isAlert = /^ERR_SSL_.*ALERT_/.test(code)
  if (!isAlert) return undefined
  if (
    /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|HANDSHAKE)/.test(code)
  ) {
    return lasting(
      certificateFile === undefined
        ? `${at}: it asks for a client's certificate: set ${name.certificateFile} and ${name.keyFile}`
        : `${at}: it does not accept the certificate in ${name.certificateFile} (${code}): use one of an authority that the broker trusts`,
    )
  }
  return lasting(`${at}: it ended the TLS handshake (${code}): look at its versions and ciphers`)
}

export const problems = {
  silent: (at: string) =>
    passing(`${at}: it takes connections and answers nothing: correct ${name.brokers}`),
  web: (at: string) =>
    lasting(`${at}: a web server answers there, and no Kafka broker: correct ${name.brokers}`),
  noKafka: (at: string) =>
    lasting(`${at}: what answers there is no Kafka broker: correct ${name.brokers}`),
  closed: (at: string, reason: string) =>
    passing(`${at}: it closes the connection before it answers (${reason})`),
  speaksTls: (at: string) =>
    lasting(`${at}: that listener speaks TLS: set ${name.tls} to on, or use the other port`),
  speaksPlain: (at: string) =>
    lasting(`${at}: that listener speaks no TLS: set ${name.tls} to off, or use the other port`),
  wantsLogin: (at: string) =>
    lasting(`${at}: that listener wants a login: set ${name.sasl}, or use the other port`),
  wantsNoLogin: (at: string) =>
    lasting(`${at}: that listener knows no login: set ${name.sasl} to off, or use the other port`),
  otherMechanism: (at: string, mechanism: string, offered: readonly string[]) =>
    lasting(
      `${at}: it does not offer ${mechanism}: set ${name.sasl} to one of ${offered.join(', ').toLowerCase()}`,
    ),
} satisfies { readonly [problem: string]: (at: string, ...more: never[]) => Problem }

function passing(sentence: string): Problem {
  return { sentence, retryable: true }
}

function lasting(sentence: string): Problem {
  return { sentence, retryable: false }
}
