import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig, type Environment } from '../../config/config.ts'
import { settings, type Setting } from '../../config/settings.ts'
import { SaldoError } from '../../schemas/errors.ts'

const exampleFile = join(import.meta.dirname, '..', '..', 'config', 'example.env')
const all: readonly Setting[] = Object.values(settings)

/** The lines after the first of the problem that `readConfig` throws. */
function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment)
  } catch (error) {
    if (!(error instanceof SaldoError) || error.code !== 'SALDO_CONFIG_INVALID') throw error
    const [title, ...problems] = error.message.split('\n')
    expect(title).toBe('configuration is invalid:')
    return problems.map((line) => line.trim())
  }
  return []
}

const secrets = { SALDO_JWT_SECRET: 's'.repeat(32), SALDO_MASTER_KEY: 'a'.repeat(64) }

describe('configuration', () => {
  test('an empty environment is a development one with the defaults that architecture gives', () => {
    expect(readConfig({})).toMatchObject({
      environment: 'development',
      databaseUrl: undefined,
      host: '127.0.0.1',
      port: 8080,
      partitions: 4,
      batchRecords: 1000,
      batchBytes: 1_000_000,
      checkpointMs: 2000,
      checkpointStates: 10_000,
      checkpointBytes: 16_000_000,
      sharding: 64,
      clock: 'on',
      answersDays: 7,
      budgetThresholds: [80, 90, 100],
    })
  })

  test('an empty value is like none', () => {
    const empty = Object.fromEntries(all.map(({ name }) => [name, '']))
    expect(readConfig(empty)).toEqual(readConfig({}))
  })

  test('every problem is told at once, each with its setting and what was given', () => {
    expect(
      problemsOf({
        SALDO_ENV: 'staging',
        DATABASE_URL: 'mysql://somewhere',
        SALDO_MASTER_KEY: 'k',
        SALDO_MASTER_KEY_FILE: 'f',
        SALDO_JWT_SECRET: 'short',
        SALDO_PORT: '65536',
        SALDO_PARTITIONS: '0',
        SALDO_BATCH_RECORDS: '-1',
        SALDO_BATCH_BYTES: '1e6',
        SALDO_CHECKPOINT_MS: '2.5',
        SALDO_CHECKPOINT_STATES: ' 1',
        SALDO_SHARDS: 'ledgers',
        SALDO_CLOCK: 'yes',
        SALDO_ANSWERS_DAYS: '0',
        SALDO_BUDGET_THRESHOLDS: '80,80',
        SALDO_LOG_LEVEL: 'loud',
      }),
    ).toEqual([
      'SALDO_ENV must be one of development, production, got "staging"',
      'SALDO_PORT must be a whole number from 0 to 65535, got "65536"',
      'SALDO_PARTITIONS must be a whole number from 1 to 1024, got "0"',
      'SALDO_BATCH_RECORDS must be a whole number from 1 to 10000, got "-1"',
      'SALDO_BATCH_BYTES must be a whole number from 1000 to 100000000, got "1e6"',
      'SALDO_CHECKPOINT_MS must be a whole number from 10 to 600000, got "2.5"',
      'SALDO_CHECKPOINT_STATES must be a whole number from 1 to 1000000, got " 1"',
      'SALDO_SHARDS must be a whole number from 1 to 4096, got "ledgers"',
      'SALDO_CLOCK must be one of on, off, got "yes"',
      'SALDO_ANSWERS_DAYS must be a whole number from 1 to 3650, got "0"',
      'SALDO_BUDGET_THRESHOLDS must be 1 to 10 ascending whole numbers from 1 to 1000 with commas between them, got "80,80"',
      expect.stringMatching(/^SALDO_LOG_LEVEL must be one of .*, got "loud"$/),
      'DATABASE_URL must start with postgresql://',
      'SALDO_MASTER_KEY must be 64 hexadecimal digits',
      'SALDO_MASTER_KEY and SALDO_MASTER_KEY_FILE are both set: give one',
      'SALDO_JWT_SECRET must have at least 32 characters',
    ])
  })

  test.each(['0', '90,80', '80,', '80.5', '1001', '-1', '1,2,3,4,5,6,7,8,9,10,11', '0x50', 'many'])(
    'the thresholds of budgets ascend from 1 to 1000: not "%s"',
    (value) => {
      expect(problemsOf({ SALDO_BUDGET_THRESHOLDS: value })).toEqual([
        expect.stringMatching(/^SALDO_BUDGET_THRESHOLDS must be 1 to 10/),
      ])
    },
  )

  test('the thresholds of budgets are a list', () => {
    const { budgetThresholds } = readConfig({ SALDO_BUDGET_THRESHOLDS: '50, 100,1000' })
    expect(budgetThresholds).toEqual([50, 100, 1000])
  })

  test('no problem quotes a secret', () => {
    const problems = problemsOf({
      DATABASE_URL: 'secret-database',
      SALDO_JWT_SECRET: 'secret-jwt',
      SALDO_MASTER_KEY: 'secret-key',
      SALDO_MASTER_KEY_FILE: 'secret-file',
    })
    expect(problems).toHaveLength(4)
    expect(problems.join()).not.toContain('secret-')
  })

  test('production refuses to make secrets of its own', () => {
    expect(problemsOf({ SALDO_ENV: 'production' })).toEqual([
      'SALDO_MASTER_KEY or SALDO_MASTER_KEY_FILE must be set in production',
      'SALDO_JWT_SECRET, SALDO_JWKS_URL or SALDO_JWKS_FILE must be set in production',
    ])
    expect(problemsOf({ SALDO_ENV: 'production', ...secrets })).toEqual([])
    const { SALDO_JWT_SECRET } = secrets
    const file = { SALDO_JWT_SECRET, SALDO_MASTER_KEY_FILE: 'key' }
    expect(problemsOf({ SALDO_ENV: 'production', ...file })).toEqual([])
  })

  test('production refuses a secret that was made for development, wherever it was copied from', () => {
    const copied = { ...secrets, SALDO_JWT_SECRET: `development-${'a'.repeat(64)}` }
    expect(problemsOf({ SALDO_ENV: 'production', ...copied })).toEqual([
      'SALDO_JWT_SECRET was made for development: production needs one of its own',
    ])
    expect(problemsOf(copied)).toEqual([])
  })

  const { SALDO_MASTER_KEY } = secrets
  test.for([
    [{ SALDO_JWKS_URL: 'https://issuer.example/keys' }, []],
    [{ SALDO_JWKS_FILE: 'keys.json' }, []],
    [
      { SALDO_JWKS_URL: 'http://issuer.example/keys' },
      ['SALDO_JWKS_URL must be an address that starts with https://'],
    ],
    [
      { SALDO_JWKS_URL: 'issuer.example' },
      ['SALDO_JWKS_URL must be an address that starts with https://'],
    ],
    [
      { SALDO_JWKS_URL: 'https://issuer.example/keys', SALDO_JWT_SECRET: 's'.repeat(32) },
      ['SALDO_JWT_SECRET and SALDO_JWKS_URL are both set: give one'],
    ],
  ] as const)('production takes public keys instead of a secret: %o', ([given, problems]) => {
    const environment = { SALDO_ENV: 'production', SALDO_MASTER_KEY, ...given }
    expect(problemsOf(environment)).toEqual(problems)
  })

  test('lists are separated by commas, and every item that does not fit is told', () => {
    const good = {
      SALDO_CORS_ORIGINS: 'https://app.example, http://localhost:3000,',
      SALDO_TRUSTED_PROXIES: '10.0.0.0/8,::1, fd00::/8',
    }
    expect(readConfig(good)).toMatchObject({
      corsOrigins: ['https://app.example', 'http://localhost:3000'],
      trustedProxies: ['10.0.0.0/8', '::1', 'fd00::/8'],
    })
    const origins = ['*', 'null', 'app.example', 'https://app.example/', 'https://a.example/b']
    for (const origin of origins) {
      expect(problemsOf({ SALDO_CORS_ORIGINS: origin })).toEqual([
        `SALDO_CORS_ORIGINS must be origins such as https://app.example, got "${origin}"`,
      ])
    }
    for (const proxy of ['proxy.example', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0.0/']) {
      expect(problemsOf({ SALDO_TRUSTED_PROXIES: proxy })).toHaveLength(1)
    }
  })

  test('brokers hold the log, in more partitions unless their number is given', () => {
    const given = { KAFKA_BROKERS: 'broker-1:9092, 10.0.0.2:19092', SALDO_KAFKA_PREFIX: 'family.' }
    expect(readConfig(given)).toMatchObject({
      kafkaBrokers: ['broker-1:9092', '10.0.0.2:19092'],
      kafkaPrefix: 'family.',
      partitions: 12,
    })
    expect(readConfig({ ...given, SALDO_PARTITIONS: '3' }).partitions).toBe(3)
  })

  test.each([
    ['broker', ': "broker" has no port'],
    ['broker:', ', got "broker:"'],
    ['broker:0', ', got "broker:0"'],
    ['broker:65536', ', got "broker:65536"'],
    [':9092', ', got ":9092"'],
    ['kafka://broker:9092', ', without "kafka://"'],
    [
      'me:secret@broker:9092',
      ', without a user: SALDO_KAFKA_USER and SALDO_KAFKA_PASSWORD are for that',
    ],
  ])('a broker is a host and a port: not "%s"', (broker, problem) => {
    expect(problemsOf({ KAFKA_BROKERS: `good:9092,${broker}` })).toEqual([
      `KAFKA_BROKERS must be addresses such as broker-1:9092${problem}`,
    ])
  })

  test('a prefix fits into the name of a topic', () => {
    for (const prefix of ['a b', 'ø', 'x'.repeat(101)]) {
      expect(problemsOf({ SALDO_KAFKA_PREFIX: prefix })).toEqual([
        `SALDO_KAFKA_PREFIX must be at most 100 letters, digits and . _ -, got "${prefix}"`,
      ])
    }
  })

  test('whoever keeps out of the log is not stopped by what is wrong with its address', () => {
    const needs = { log: false, masterKey: true, tokens: true }
    expect(readConfig({ KAFKA_BROKERS: 'broker' }, needs).kafkaBrokers).toEqual(['broker'])
  })

  test('an actor per ledger is a way to shard', () => {
    expect(readConfig({ SALDO_SHARDS: 'ledger' }).sharding).toBe('ledger')
  })
})

describe('config/example.env', () => {
  const example = readFileSync(exampleFile, 'utf8')

  test('lists every setting with its meaning and default, and no other', () => {
    const blocks = example.trim().split('\n\n').slice(1)
    const expected = all.map(({ name, fallback, meaning }) => `# ${meaning}\n# ${name}=${fallback}`)
    expect(blocks).toEqual(expected)
  })

  test('taken as it is, without the comment signs, it is the default configuration', () => {
    const lines = example.split('\n').flatMap((line) => /^# ([A-Z_]+)=(.*)$/.exec(line) ?? [])
    expect(lines).toHaveLength(3 * all.length)
    const environment: Record<string, string> = {}
    for (let at = 0; at < lines.length; at += 3) {
      environment[lines[at + 1] ?? ''] = lines[at + 2] ?? ''
    }
    expect(readConfig(environment)).toEqual(readConfig({}))
  })
})
