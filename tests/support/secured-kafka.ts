/** A broker with every kind of listener that the security settings are for, and who may come in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KafkaSecurity } from '../../topology/log/kafka-security.ts'
import { authority, type Certified } from './certificates.ts'
import type { NodeSettings } from './kafka-settings.ts'

export const BROKER_NAME = 'broker.saldo.test'
/** May do everything; logs in with every mechanism but OAUTHBEARER. */
export const ADA = { user: 'ada', password: 'naïve, =password' }
/** Session of a listener that wants a new login that often, in milliseconds. */
export const SESSION_MS = 1_500

const LOGIN = 'org.apache.kafka.common.security'

/** Files of one test file, as text or as the pair of a certificate and its key. */
export class SecretFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'saldo-kafka-files-'))

  path(name: string): string {
    return join(this.folder, name)
  }

  put(name: string, text: string): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  putPair(
    name: string,
    { certificate, key }: Certified,
  ): {
    readonly certificateFile: string
    readonly keyFile: string
  } {
    return {
      certificateFile: this.put(`${name}.crt`, certificate),
      keyFile: this.put(`${name}.key`, key),
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Writes the broker's files, and answers its settings. `users` log in with PLAIN and may nothing yet. */
export function securedBroker(
  files: SecretFiles,
  users: Readonly<Record<string, string>>,
): NodeSettings & { readonly caFile: string; readonly ca: ReturnType<typeof authority> } {
  const ca = authority('Saldo tests')
  const own = ca.certify('broker', ['127.0.0.1', BROKER_NAME])
  const caFile = files.put('ca.crt', ca.certificate)
  const keyStore = files.put('broker.pem', own.key + own.certificate)
  const plain = Object.entries({ [ADA.user]: ADA.password, ...users })
    .map(([user, password]) => ` user_${user}="${ascii(password)}"`)
    .join('')
  const logins = (listener: string, mechanisms: string): Record<string, string> => ({
    [`listener.name.${listener}.sasl.enabled.mechanisms`]: mechanisms,
    [`listener.name.${listener}.plain.sasl.jaas.config`]: `${LOGIN}.plain.PlainLoginModule required${plain};`,
    [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`]: `${LOGIN}.scram.ScramLoginModule required;`,
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: `${LOGIN}.scram.ScramLoginModule required;`,
    [`listener.name.${listener}.oauthbearer.sasl.jaas.config`]: `${LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    [`listener.name.${listener}.oauthbearer.sasl.server.callback.handler.class`]: `${LOGIN}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`,
  })
  return {
    ca,
    caFile,
    listeners: { TLS: 'SSL', MUTUAL: 'SSL', LOGIN: 'SASL_SSL', SHORT: 'SASL_PLAINTEXT' },
    settings: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keyStore,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': caFile,
      'listener.name.mutual.ssl.client.auth': 'required',
      'listener.name.short.connections.max.reauth.ms': String(SESSION_MS),
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Those of the plain listener, which the broker itself uses, are nobody.
      'super.users': `User:ANONYMOUS;User:${ADA.user};User:CN=engine`,
      ...logins('login', 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER'),
      ...logins('short', 'PLAIN'),
    },
  }
}

/** Property files hold Latin-1. */
function ascii(text: string): string {
  return text.replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function plainLogin(user: string, password: string): NonNullable<KafkaSecurity['sasl']> {
  return { mechanism: 'plain', user, password: { value: password } }
}

/** A token that says who it is for, and that nobody has signed. */
export function unsignedToken(user: string, lifeS = 3_600): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: user, iat: now - 60, exp: now + lifeS })}.`
}
