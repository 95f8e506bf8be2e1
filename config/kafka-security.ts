/** How connections to Kafka are secured. What is in the files is read where the connections are made. */
import { resolve } from 'node:path'
import { settings, type SettingKey } from './settings.ts'

type Secret = { readonly value: string } | { readonly file: string }
type Sasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly user: string
      readonly password: Secret
    }
  | {
      readonly mechanism: 'oauthbearer'
      readonly token:
        | { readonly file: string }
        | {
            readonly url: string
            readonly clientId: string
            readonly clientSecret: Secret
            readonly scope: string | undefined
          }
    }

export type KafkaSecurity = {
  readonly tls?: {
    readonly caFile: string | undefined
    readonly certificateFile: string | undefined
    readonly keyFile: string | undefined
    readonly serverName: string | undefined
  }
  readonly sasl?: Sasl
}

export type Given = {
  readonly environment: string
  readonly problems: string[]
  oneOf<T extends string>(key: SettingKey, values: readonly T[]): T
  optional(key: SettingKey): string | undefined
}

const tlsKeys = [
  'kafkaCaFile',
  'kafkaCertificateFile',
  'kafkaKeyFile',
  'kafkaServerName',
] as const satisfies readonly SettingKey[]
const passwordKeys = ['kafkaPassword', 'kafkaPasswordFile'] as const satisfies readonly SettingKey[]
const tokenKeys = ['kafkaTokenFile', 'kafkaTokenUrl'] as const satisfies readonly SettingKey[]
const mechanisms = ['off', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const

/** Adds what is wrong to the problems. A setting that would have no effect is one: somebody meant something by it. */
export function kafkaSecurity(given: Given): KafkaSecurity {
  const tls = tlsOf(given)
  const sasl = saslOf(given)
  if (given.environment === 'production' && tls === undefined && sasl?.mechanism === 'plain') {
    given.problems.push(
      `${settings.kafkaSasl.name}=plain sends the password as it is: production needs ${settings.kafkaTls.name}=on with it, or scram-sha-512`,
    )
  }
  return { ...(tls === undefined ? {} : { tls }), ...(sasl === undefined ? {} : { sasl }) }
}

function tlsOf(given: Given): KafkaSecurity['tls'] {
  const { oneOf, optional, problems } = given
  if (oneOf('kafkaTls', ['off', 'on']) === 'off') {
    without(given, tlsKeys, `${settings.kafkaTls.name}=on`)
    return undefined
  }
  const [certificateFile, keyFile] = [
    pathOf(given, 'kafkaCertificateFile'),
    pathOf(given, 'kafkaKeyFile'),
  ]
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    const { kafkaCertificateFile, kafkaKeyFile } = settings
    problems.push(
      `${kafkaCertificateFile.name} and ${kafkaKeyFile.name} belong together: give both`,
    )
  }
  const serverName = optional('kafkaServerName')
  return { caFile: pathOf(given, 'kafkaCaFile'), certificateFile, keyFile, serverName }
}

function saslOf(given: Given): Sasl | undefined {
  const mechanism = given.oneOf('kafkaSasl', mechanisms)
  const { name } = settings.kafkaSasl
  if (mechanism === 'off') {
    without(given, ['kafkaUser', ...passwordKeys, ...tokenKeys, 'kafkaTokenScope'], `a ${name}`)
    return undefined
  }
  if (mechanism === 'oauthbearer') return bearerOf(given)
  without(given, [...tokenKeys, 'kafkaTokenScope'], `${name}=oauthbearer`)
  return { mechanism, user: needed(given, ['kafkaUser']), password: passwordOf(given) }
}

function bearerOf(given: Given): Sasl {
  const mechanism = 'oauthbearer'
  const { optional, problems, environment } = given
  const file = pathOf(given, 'kafkaTokenFile')
  const url = needed(given, tokenKeys)
  if (file !== undefined) {
    const useless = ['kafkaUser', ...passwordKeys, 'kafkaTokenScope'] as const
    without(given, useless, settings.kafkaTokenUrl.name)
    return { mechanism, token: { file } }
  }
  if (url === '') return { mechanism, token: { file: '' } }
  const protocol = URL.canParse(url) ? new URL(url).protocol : ''
  const allowed = environment === 'production' ? ['https:'] : ['https:', 'http:']
  if (!allowed.includes(protocol)) {
    problems.push(`${settings.kafkaTokenUrl.name} must be an address that starts with https://`)
  }
  const clientId = needed(given, ['kafkaUser'])
  const scope = optional('kafkaTokenScope')
  return { mechanism, token: { url, clientId, clientSecret: passwordOf(given), scope } }
}

function passwordOf(given: Given): Secret {
  const value = needed(given, passwordKeys)
  const file = pathOf(given, 'kafkaPasswordFile')
  return file === undefined ? { value } : { file }
}

/** The one of these settings that is given; exactly one has to be. */
function needed({ optional, problems }: Given, keys: readonly SettingKey[]): string {
  const found = keys.flatMap((key) => optional(key) ?? [])
  const names = keys.map((key) => settings[key].name)
  if (found.length > 1) problems.push(`${names.join(' and ')} are both set: give one`)
  if (found.length === 0)
    problems.push(`${names.join(' or ')} must be set with ${settings.kafkaSasl.name}`)
  return found[0] ?? ''
}

function without(
  { optional, problems }: Given,
  keys: readonly SettingKey[],
  lacking: string,
): void {
  for (const key of keys) {
    if (optional(key) === undefined) continue
    problems.push(`${settings[key].name} has no effect without ${lacking}`)
  }
}

function pathOf({ optional }: Given, key: SettingKey): string | undefined {
  const path = optional(key)
  return path === undefined ? undefined : resolve(path)
}
