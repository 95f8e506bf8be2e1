/**
 * How connections to Kafka are secured, as plain data: it crosses to other threads, and it names files instead of
 * holding what is in them. Files are read for each connection, so that what is renewed there needs no restart.
 */
import { readFileSync } from 'node:fs'
import { createSecureContext, type ConnectionOptions } from 'node:tls'
import { SaldoError } from '../../schemas/errors.ts'

export type KafkaSecurity = {
  /** Undefined: plain text. */
  readonly tls?: KafkaTls | undefined
  /** Undefined: nobody logs in. */
  readonly sasl?: KafkaSasl | undefined
}

export type KafkaTls = {
  /** PEM; without it the authorities that Node trusts. */
  readonly caFile?: string | undefined
  /** PEM, the two of a client; mutual TLS. */
  readonly certificateFile?: string | undefined
  readonly keyFile?: string | undefined
  /** The name that every broker's certificate has to be for, where that is not the name in its address. */
  readonly serverName?: string | undefined
}

export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly user: string
      readonly password: Secret
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: TokenSource }

export type Secret = { readonly value: string } | { readonly file: string }

/** A file that something else keeps up to date, or an endpoint that gives tokens for a client's own secret. */
export type TokenSource =
  | { readonly file: string }
  | {
      readonly url: string
      readonly clientId: string
      readonly clientSecret: Secret
      readonly scope?: string | undefined
    }

/** What the settings are called, for sentences that name one. */
export const kafkaSettings = {
  brokers: 'KAFKA_BROKERS',
  tls: 'SALDO_KAFKA_TLS',
  caFile: 'SALDO_KAFKA_CA_FILE',
  certificateFile: 'SALDO_KAFKA_CERTIFICATE_FILE',
  keyFile: 'SALDO_KAFKA_KEY_FILE',
  serverName: 'SALDO_KAFKA_SERVER_NAME',
  sasl: 'SALDO_KAFKA_SASL',
  user: 'SALDO_KAFKA_USER',
  password: 'SALDO_KAFKA_PASSWORD',
  passwordFile: 'SALDO_KAFKA_PASSWORD_FILE',
  tokenFile: 'SALDO_KAFKA_TOKEN_FILE',
  tokenUrl: 'SALDO_KAFKA_TOKEN_URL',
} as const

/** Throws SALDO_CONFIG_INVALID for a file that is missing, unreadable, or not what it has to be. */
export function checkFiles({ tls, sasl }: KafkaSecurity): void {
  if (tls !== undefined) tlsOptions(tls)
  if (sasl === undefined) return
  if (sasl.mechanism !== 'oauthbearer') readSecret(sasl.password)
  else if ('file' in sasl.token) readFile(kafkaSettings.tokenFile, sasl.token.file)
  else readSecret(sasl.token.clientSecret)
}

/** What Node's TLS wants, from the files as they are now. */
export function tlsOptions(tls: KafkaTls): ConnectionOptions {
  const { caFile, certificateFile, keyFile, serverName } = tls
  const certificate = (setting: string, path: string): string =>
    pem(setting, path, /-----BEGIN (TRUSTED )?CERTIFICATE-----/, 'certificate in PEM')
  const options = {
    ...(caFile === undefined ? {} : { ca: certificate(kafkaSettings.caFile, caFile) }),
    ...(certificateFile === undefined
      ? {}
      : { cert: certificate(kafkaSettings.certificateFile, certificateFile) }),
    ...(keyFile === undefined
      ? {}
      : {
          key: pem(kafkaSettings.keyFile, keyFile, PLAIN_KEY, 'key in PEM that is not encrypted'),
        }),
  }
  try {
    createSecureContext(options)
  } catch (cause) {
    const named = [kafkaSettings.caFile, kafkaSettings.certificateFile, kafkaSettings.keyFile]
    throw unusable(
      isMismatch(cause)
        ? `${kafkaSettings.keyFile}: "${keyFile}" is not the key of the certificate in ${kafkaSettings.certificateFile}`
        : `one of the files of ${named.join(', ')} cannot be used for TLS: ${reasonOf(cause)}`,
      cause,
    )
  }
  return { ...options, ...(serverName === undefined ? {} : { servername: serverName }) }
}

const PLAIN_KEY = /-----BEGIN ((RSA|EC) )?PRIVATE KEY-----(?!\s*Proc-Type: 4,ENCRYPTED)/

function pem(setting: string, path: string, kind: RegExp, what: string): string {
  const text = readFile(setting, path)
  if (kind.test(text)) return text
  throw unusable(`${setting}: "${path}" holds no ${what}`)
}

/** A line break at its end, which editors leave there, is no part of a secret. */
export function readSecret(secret: Secret): string {
  if ('value' in secret) return secret.value
  return readFile(kafkaSettings.passwordFile, secret.file)
}

/** Of no file is more told than its name and what the system says. */
export function readFile(setting: string, path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8').replace(/(\r?\n)+$/, '')
  } catch (cause) {
    throw unusable(`${setting}: "${path}" cannot be read (${reasonOf(cause)})`, cause)
  }
  if (text.trim() === '') throw unusable(`${setting}: "${path}" is empty`)
  return text
}

/** Files are renewed while processes run, so a loop that meets one of these tries again. */
function unusable(message: string, cause?: unknown): SaldoError {
  return new SaldoError('SALDO_CONFIG_INVALID', message, { retryable: true, cause })
}

function isMismatch(cause: unknown): boolean {
  return reasonOf(cause) === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
}
