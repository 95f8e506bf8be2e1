import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCluster } from '../../topology/log/kafka-cluster.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import type { KafkaSecurity } from '../../topology/log/kafka-security.ts'
import { groupPlace, place, readAll, record, texts } from '../contracts/log-records.ts'
import { describeOwnKafka } from '../support/kafka.ts'
import { addScramUser } from '../support/scram-users.ts'
import {
  ADA,
  plainLogin,
  SecretFiles,
  securedBroker,
  unsignedToken,
} from '../support/secured-kafka.ts'

const files = new SecretFiles()
const { ca, caFile, ...settings } = securedBroker(files, {})
const tls = { caFile }
afterAll(() => files.remove())

describeOwnKafka(
  'the secured log',
  (kafka) => {
    const { user, password } = ADA
    const secret = { value: password }
    const secretFile = { file: files.put('password', `${password}\n`) }
    const engine = files.putPair('engine', ca.certify('engine', ['engine.saldo.test']))
    let names = 0

    beforeAll(async () => {
      const cluster = openCluster({ brokers: [kafka.broker.address], clientId: 'test' })
      await cluster.connect()
      await cluster.refreshMetadata()
      const { connectionPool } = await cluster.findControllerBroker()
      await addScramUser(connectionPool, user, password)
      await cluster.disconnect()
    })

    const openAt = (listener: string, security: KafkaSecurity): Promise<KafkaLog> =>
      kafkaLog({
        brokers: [kafka.broker.addressOf(listener)],
        partitions: 1,
        role: 'test',
        prefix: `p${++names}.`,
        security,
      })

    test.for<[string, string, KafkaSecurity]>([
      ['TLS', 'TLS', { tls }],
      ['mutual TLS', 'MUTUAL', { tls: { caFile, ...engine } }],
      ['PLAIN', 'LOGIN', { tls, sasl: plainLogin(user, password) }],
      [
        'SCRAM-SHA-256',
        'LOGIN',
        { tls, sasl: { mechanism: 'scram-sha-256', user, password: secret } },
      ],
      [
        'SCRAM-SHA-512',
        'LOGIN',
        { tls, sasl: { mechanism: 'scram-sha-512', user, password: secretFile } },
      ],
      [
        'OAUTHBEARER',
        'LOGIN',
        {
          tls,
          sasl: {
            mechanism: 'oauthbearer',
            token: { file: files.put('token', unsignedToken(user)) },
          },
        },
      ],
    ])('appends, commits and reads with %s', async ([, listener, security]) => {
      const log = await openAt(listener, security)
      await log.producer().append([record('appended')])
      const lease = await log.acquire(groupPlace())
      await lease.commit([record('committed')], 1n)
      expect(texts(await readAll(log, place('ledger.events')))).toEqual(['appended', 'committed'])
      await log.arrival(place('ledger.events'), 0n, new AbortController().signal)
      expect((await log.acquire(groupPlace())).committed).toBe(1n)
      await log.close()
    })
  },
  settings,
)
