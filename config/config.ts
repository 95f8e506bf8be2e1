import { resolve } from 'node:path'
import { SaldoError } from '../schemas/errors.ts'
import { accessProblems } from './access-problems.ts'
import { kafkaProblems } from './kafka-problems.ts'
import { kafkaSecurity, type KafkaSecurity } from './kafka-security.ts'
import { registryProblems } from './registry-problems.ts'
import { settings, type SettingKey } from './settings.ts'

export type Config = {
  readonly environment: 'development' | 'production'
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  readonly apiDatabaseUrl: string | undefined
  /** `host:port` each; none where the log is in the database. */
  readonly kafkaBrokers: readonly string[]
  readonly kafkaPrefix: string
  readonly kafkaSecurity: KafkaSecurity
  /** As many as the cluster suggests where nobody says. */
  readonly kafkaReplicas: number | undefined
  readonly kafkaInSyncMin: number | undefined
  readonly schemaRegistryUrl: string | undefined
  readonly schemaRegistryUser: string | undefined
  readonly schemaRegistryPassword: string | undefined
  readonly schemaRegistryPasswordFile: string | undefined
  readonly schemaRegistryCaFile: string | undefined
  readonly masterKey: string | undefined
  readonly masterKeyFile: string | undefined
  readonly jwtSecret: string | undefined
  readonly jwksUrl: string | undefined
  readonly jwksFile: string | undefined
  readonly jwtAudience: string
  readonly jwtIssuer: string | undefined
  /** Requests a minute; 0 is no limit. */
  readonly rateLimit: number
  readonly addressRateLimit: number
  readonly streamsPerUser: number
  readonly streamsMax: number
  readonly corsOrigins: readonly string[]
  readonly trustedProxies: readonly string[]
  readonly host: string
  readonly port: number
  readonly partitions: number
  readonly batchRecords: number
  readonly batchBytes: number
  readonly checkpointMs: number
  readonly checkpointStates: number
  readonly checkpointBytes: number
  readonly sharding: number | 'ledger'
  readonly clock: 'on' | 'off'
  readonly unreadAlarmSeconds: number
  readonly answersDays: number
  readonly budgetThresholds: readonly number[]
  readonly logLevel: string
}

export type Environment = { readonly [name: string]: string | undefined }

/** What whoever reads the configuration cannot do without; secrets in production only. */
export type Needs = {
  /** Whoever keeps out of the log is not stopped by what is wrong with its address. */
  readonly log: boolean
  readonly masterKey: boolean
  /** What tokens are checked with. */
  readonly tokens: boolean
}

const EVERYTHING: Needs = { log: true, masterKey: true, tokens: true }

/** More than a cluster has brokers at first, so that more of them can share the work later. */
const PARTITIONS = { embedded: 4, kafka: 12 }

/** The settings of an environment, or every problem with them at once. */
export function readConfig(environment: Environment, needs: Needs = EVERYTHING): Config {
  const problems: string[] = []
  const text = (key: SettingKey): string => {
    const { name, fallback } = settings[key]
    const value = environment[name]
    return value === undefined || value === '' ? fallback : value
  }
  const optional = (key: SettingKey): string | undefined =>
    text(key) === '' ? undefined : text(key)
  const list = (key: SettingKey): readonly string[] =>
    text(key)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  const oneOf = <T extends string>(key: SettingKey, values: readonly T[]): T => {
    const found = values.find((value) => value === text(key))
    if (found !== undefined) return found
    problems.push(`${settings[key].name} must be one of ${values.join(', ')}, got "${text(key)}"`)
    return values[0] as T
  }
  const whole = (key: SettingKey, min: number, max: number): number => {
    const value = text(key)
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    problems.push(
      `${settings[key].name} must be a whole number from ${min} to ${max}, got "${value}"`,
    )
    return min
  }
  const percentages = (key: SettingKey): readonly number[] => {
    const numbers = text(key)
      .split(',')
      .map((item) => (/^\d{1,4}$/.test(item.trim()) ? Number(item) : Number.NaN))
    const isFine = numbers.every(
      (percent, index) => percent > (numbers[index - 1] ?? 0) && percent <= 1000,
    )
    if (isFine && numbers.length <= 10) return numbers
    problems.push(
      `${settings[key].name} must be 1 to 10 ascending whole numbers from 1 to 1000 with commas between them, got "${text(key)}"`,
    )
    return []
  }
  const config: Config = {
    environment: oneOf('environment', ['development', 'production']),
    dataDir: resolve(text('dataDir')),
    databaseUrl: optional('databaseUrl'),
    apiDatabaseUrl: optional('apiDatabaseUrl'),
    kafkaBrokers: list('kafkaBrokers'),
    kafkaPrefix: text('kafkaPrefix'),
    kafkaReplicas:
      optional('kafkaReplicas') === undefined ? undefined : whole('kafkaReplicas', 1, 100),
    kafkaInSyncMin:
      optional('kafkaInSyncMin') === undefined ? undefined : whole('kafkaInSyncMin', 1, 100),
    schemaRegistryUrl: optional('schemaRegistryUrl'),
    schemaRegistryUser: optional('schemaRegistryUser'),
    schemaRegistryPassword: optional('schemaRegistryPassword'),
    schemaRegistryPasswordFile: optional('schemaRegistryPasswordFile'),
    schemaRegistryCaFile: optional('schemaRegistryCaFile'),
    masterKey: optional('masterKey'),
    masterKeyFile: optional('masterKeyFile'),
    jwtSecret: optional('jwtSecret'),
    jwksUrl: optional('jwksUrl'),
    jwksFile: optional('jwksFile'),
    jwtAudience: text('jwtAudience'),
    jwtIssuer: optional('jwtIssuer'),
    rateLimit: whole('rateLimit', 0, 100_000_000),
    addressRateLimit: whole('addressRateLimit', 0, 100_000_000),
    streamsPerUser: whole('streamsPerUser', 1, 1_000_000),
    streamsMax: whole('streamsMax', 1, 1_000_000),
    corsOrigins: list('corsOrigins'),
    trustedProxies: list('trustedProxies'),
    host: text('host'),
    port: whole('port', 0, 65_535),
    partitions:
      optional('partitions') === undefined
        ? PARTITIONS[list('kafkaBrokers').length > 0 ? 'kafka' : 'embedded']
        : whole('partitions', 1, 1024),
    batchRecords: whole('batchRecords', 1, 10_000),
    batchBytes: whole('batchBytes', 1000, 100_000_000),
    checkpointMs: whole('checkpointMs', 10, 600_000),
    checkpointStates: whole('checkpointStates', 1, 1_000_000),
    checkpointBytes: whole('checkpointBytes', 1, 1_000_000_000),
    sharding: text('shards') === 'ledger' ? 'ledger' : whole('shards', 1, 4096),
    kafkaSecurity: kafkaSecurity({
      oneOf,
      optional,
      // Whoever keeps out of the log is not stopped by them.
      problems: needs.log ? problems : [],
      environment: text('environment'),
    }),
    clock: oneOf('clock', ['on', 'off']),
    unreadAlarmSeconds: whole('unreadAlarmSeconds', 1, 1_000_000),
    answersDays: whole('answersDays', 1, 3650),
    budgetThresholds: percentages('budgetThresholds'),
    logLevel: oneOf('logLevel', ['warn', 'trace', 'debug', 'info', 'error', 'fatal', 'silent']),
  }
  problems.push(
    ...kafkaProblems(config, needs),
    ...registryProblems(config, needs),
    ...secretProblems(config, needs),
    ...accessProblems(config, needs),
  )
  if (problems.length > 0) {
    throw new SaldoError(
      'SALDO_CONFIG_INVALID',
      `configuration is invalid:\n  ${problems.join('\n  ')}`,
    )
  }
  return config
}

function secretProblems(config: Config, needs: Needs): readonly string[] {
  const problems: string[] = []
  const { masterKey, masterKeyFile } = config
  for (const key of ['databaseUrl', 'apiDatabaseUrl'] as const) {
    const url = config[key]
    if (url === undefined || /^postgres(ql)?:\/\//.test(url)) continue
    problems.push(`${settings[key].name} must start with postgresql://`)
  }
  if (masterKey !== undefined && !/^[0-9a-fA-F]{64}$/.test(masterKey.trim())) {
    problems.push(`${settings.masterKey.name} must be 64 hexadecimal digits`)
  }
  if (masterKey !== undefined && masterKeyFile !== undefined) {
    problems.push(
      `${settings.masterKey.name} and ${settings.masterKeyFile.name} are both set: give one`,
    )
  }
  if (config.environment === 'production' && needs.masterKey) {
    if (masterKey === undefined && masterKeyFile === undefined) {
      problems.push(
        `${settings.masterKey.name} or ${settings.masterKeyFile.name} must be set in production`,
      )
    }
  }
  return problems
}
