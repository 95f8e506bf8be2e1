import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig, type Environment } from '../../config/config.ts'
import { settings } from '../../config/settings.ts'
import { kafkaSettings } from '../../topology/log/kafka-security.ts'

const PRODUCTION = {
  SALDO_ENV: 'production',
  SALDO_JWT_SECRET: 's'.repeat(32),
  SALDO_MASTER_KEY: 'a'.repeat(64),
}
const TLS = { SALDO_KAFKA_TLS: 'on' }
const LOGIN = { SALDO_KAFKA_USER: 'ada', SALDO_KAFKA_PASSWORD: 'secret-password' }

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    return String(error).split('\n  ').slice(1)
  }
}

describe('the security of Kafka', () => {
  test('is off until it is asked for', () => {
    expect(readConfig({}).kafkaSecurity).toEqual({})
  })

  test('paths are those of the folder that the process was started in', () => {
    const given = {
      ...TLS,
      SALDO_KAFKA_CA_FILE: 'ca.crt',
      SALDO_KAFKA_CERTIFICATE_FILE: '/etc/saldo/own.crt',
      SALDO_KAFKA_KEY_FILE: '/etc/saldo/own.key',
      SALDO_KAFKA_SERVER_NAME: 'kafka.example',
    }
    expect(readConfig(given).kafkaSecurity).toEqual({
      tls: {
        caFile: resolve('ca.crt'),
        certificateFile: '/etc/saldo/own.crt',
        keyFile: '/etc/saldo/own.key',
        serverName: 'kafka.example',
      },
    })
  })

  test.for([
    ['plain', LOGIN, { user: 'ada', password: { value: 'secret-password' } }],
    ['scram-sha-256', LOGIN, { user: 'ada', password: { value: 'secret-password' } }],
    [
      'scram-sha-512',
      { SALDO_KAFKA_USER: 'ada', SALDO_KAFKA_PASSWORD_FILE: '/run/password' },
      { user: 'ada', password: { file: '/run/password' } },
    ],
    ['oauthbearer', { SALDO_KAFKA_TOKEN_FILE: '/run/token' }, { token: { file: '/run/token' } }],
    [
      'oauthbearer',
      {
        ...LOGIN,
        SALDO_KAFKA_TOKEN_URL: 'https://login.example',
        SALDO_KAFKA_TOKEN_SCOPE: 'kafka',
      },
      {
        token: {
          url: 'https://login.example',
          clientId: 'ada',
          clientSecret: { value: 'secret-password' },
          scope: 'kafka',
        },
      },
    ],
  ] as const)('logs in with %s: %o', ([mechanism, given, sasl]) => {
    const environment = { ...PRODUCTION, ...TLS, SALDO_KAFKA_SASL: mechanism, ...given }
    expect(readConfig(environment).kafkaSecurity.sasl).toEqual({ mechanism, ...sasl })
  })

  test.for<[Environment, string[]]>([
    [
      { ...PRODUCTION, ...LOGIN, SALDO_KAFKA_SASL: 'plain' },
      [
        'SALDO_KAFKA_SASL=plain sends the password as it is: production needs SALDO_KAFKA_TLS=on with it, or scram-sha-512',
      ],
    ],
    [{ ...LOGIN, SALDO_KAFKA_SASL: 'plain' }, []],
    [{ ...PRODUCTION, ...LOGIN, ...TLS, SALDO_KAFKA_SASL: 'plain' }, []],
    [
      { SALDO_KAFKA_SASL: 'scram' },
      [
        'SALDO_KAFKA_SASL must be one of off, plain, scram-sha-256, scram-sha-512, oauthbearer, got "scram"',
      ],
    ],
    [
      { SALDO_KAFKA_CA_FILE: 'ca.crt' },
      ['SALDO_KAFKA_CA_FILE has no effect without SALDO_KAFKA_TLS=on'],
    ],
    [
      { ...TLS, SALDO_KAFKA_KEY_FILE: 'own.key' },
      ['SALDO_KAFKA_CERTIFICATE_FILE and SALDO_KAFKA_KEY_FILE belong together: give both'],
    ],
    [
      LOGIN,
      [
        'SALDO_KAFKA_USER has no effect without a SALDO_KAFKA_SASL',
        'SALDO_KAFKA_PASSWORD has no effect without a SALDO_KAFKA_SASL',
      ],
    ],
    [
      { SALDO_KAFKA_SASL: 'scram-sha-512' },
      [
        'SALDO_KAFKA_USER must be set with SALDO_KAFKA_SASL',
        'SALDO_KAFKA_PASSWORD or SALDO_KAFKA_PASSWORD_FILE must be set with SALDO_KAFKA_SASL',
      ],
    ],
    [
      { ...LOGIN, SALDO_KAFKA_SASL: 'scram-sha-512', SALDO_KAFKA_PASSWORD_FILE: 'p' },
      ['SALDO_KAFKA_PASSWORD and SALDO_KAFKA_PASSWORD_FILE are both set: give one'],
    ],
    [
      { ...LOGIN, SALDO_KAFKA_SASL: 'scram-sha-512', SALDO_KAFKA_TOKEN_FILE: 't' },
      ['SALDO_KAFKA_TOKEN_FILE has no effect without SALDO_KAFKA_SASL=oauthbearer'],
    ],
    [
      { SALDO_KAFKA_SASL: 'oauthbearer' },
      ['SALDO_KAFKA_TOKEN_FILE or SALDO_KAFKA_TOKEN_URL must be set with SALDO_KAFKA_SASL'],
    ],
    [
      { SALDO_KAFKA_SASL: 'oauthbearer', SALDO_KAFKA_TOKEN_URL: 'https://login.example' },
      [
        'SALDO_KAFKA_USER must be set with SALDO_KAFKA_SASL',
        'SALDO_KAFKA_PASSWORD or SALDO_KAFKA_PASSWORD_FILE must be set with SALDO_KAFKA_SASL',
      ],
    ],
    [
      {
        ...PRODUCTION,
        ...LOGIN,
        SALDO_KAFKA_SASL: 'oauthbearer',
        SALDO_KAFKA_TOKEN_URL: 'http://login.example',
      },
      ['SALDO_KAFKA_TOKEN_URL must be an address that starts with https://'],
    ],
  ])('says what is wrong: %o', ([environment, problems]) => {
    expect(problemsOf(environment)).toEqual(problems)
    expect(problems.join()).not.toContain('secret-password')
  })

  test('stops nobody who keeps out of the log', () => {
    const needs = { log: false, masterKey: true, tokens: true }
    expect(() => readConfig({ SALDO_KAFKA_SASL: 'scram-sha-512' }, needs)).not.toThrow()
  })

  test('the sentences of the log name settings that there are', () => {
    const names = Object.values(settings).map(({ name }): string => name)
    expect(names).toEqual(expect.arrayContaining(Object.values(kafkaSettings)))
  })

  test('the settings that the document shows are taken in production', () => {
    const document = join(import.meta.dirname, '..', '..', 'docs', 'kafka-security.md')
    const blocks = readFileSync(document, 'utf8').match(/```sh\n(?:[A-Z_]+=.*\n)+```/g) ?? []
    expect(blocks).toHaveLength(5)
    for (const block of blocks) {
      const given = [...block.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
        name,
        value,
      ])
      expect(problemsOf({ ...PRODUCTION, ...Object.fromEntries(given) })).toEqual([])
    }
  })
})
