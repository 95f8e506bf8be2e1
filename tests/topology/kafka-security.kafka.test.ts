import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { topics, type TopicName } from '../../schemas/topics.ts'
import { kafkaClient, openCluster } from '../../topology/log/kafka-cluster.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { describeTopics } from '../../topology/log/kafka-metadata.ts'
import type { KafkaSasl, KafkaSecurity } from '../../topology/log/kafka-security.ts'
import type { GroupPlace } from '../../topology/log/log.ts'
import { groupPlace, NO_LIMIT, place, readAll, record, texts } from '../contracts/log-records.ts'
import { authority } from '../support/certificates.ts'
import { aclsOf, documentedPermissions, type Permissions } from '../support/documented-acls.ts'
import { describeOwnKafka } from '../support/kafka.ts'
import { addScramUser } from '../support/scram-users.ts'
import {
  ADA,
  plainLogin,
  SecretFiles,
  securedBroker,
  SESSION_MS,
  unsignedToken,
} from '../support/secured-kafka.ts'

const PASSWORD = 'secret-of-a-role'
const userOf = (permissions: Permissions): string =>
  `role-${documentedPermissions.indexOf(permissions)}`
const users = Object.fromEntries(documentedPermissions.map((one) => [userOf(one), PASSWORD]))

const files = new SecretFiles()
const { ca, caFile, ...settings } = securedBroker(files, { ...users, nobody: PASSWORD })
const tls = { caFile }
afterAll(() => files.remove())

describeOwnKafka(
  'the secured log',
  (kafka) => {
    const { user, password } = ADA
    let names = 0

    beforeAll(async () => {
      const cluster = openCluster({ brokers: [kafka.broker.address], clientId: 'test' })
      await cluster.connect()
      await cluster.refreshMetadata()
      const { connectionPool } = await cluster.findControllerBroker()
      await addScramUser(connectionPool, user, password)
      await cluster.disconnect()
    })

    const openAt = (
      listener: string,
      security: KafkaSecurity,
      prefix = `p${++names}.`,
    ): Promise<KafkaLog> =>
      kafkaLog({
        brokers: [kafka.broker.addressOf(listener)],
        partitions: 1,
        role: 'test',
        prefix,
        security,
      })

    test.for<[string, string, KafkaSecurity]>([
      ['TLS', 'TLS', { tls }],
      ['mutual TLS', 'MUTUAL', { tls: { caFile, ...pairOf('engine') } }],
      ['PLAIN', 'LOGIN', { tls, sasl: plainLogin(user, password) }],
      ['SCRAM-SHA-256', 'LOGIN', { tls, sasl: scram('scram-sha-256', password) }],
      ['SCRAM-SHA-512', 'LOGIN', { tls, sasl: scramOfFile() }],
      ['OAUTHBEARER', 'LOGIN', { tls, sasl: bearer('token', unsignedToken(user)) }],
    ])('appends, commits and reads with %s', async ([, listener, security]) => {
      const log = await openAt(listener, security)
      await log.producer().append([record('appended')])
      const lease = await log.acquire(groupPlace())
      await lease.commit([record('committed')], 1n)
      expect(texts(await readAll(log, place('ledger.events')))).toEqual(['appended', 'committed'])
      expect((await log.acquire(groupPlace())).committed).toBe(1n)
      await log.close()
    })

    const unwelcome = authority('Another').certify('engine', [])
    test.for<[string, string, KafkaSecurity, RegExp]>([
      ['TLS where none is spoken', 'SHORT', { tls }, /speaks no TLS: set SALDO_KAFKA_TLS to off/],
      ['plain text where TLS is spoken', 'TLS', {}, /speaks TLS: set SALDO_KAFKA_TLS to on/],
      [
        'no certificate where one is wanted',
        'MUTUAL',
        { tls },
        /asks for a client's certificate: set SALDO_KAFKA_CERTIFICATE_FILE and/,
      ],
      [
        'a certificate of somebody unknown',
        'MUTUAL',
        { tls: { caFile, ...files.putPair('unwelcome', unwelcome) } },
        /does not accept the certificate in SALDO_KAFKA_CERTIFICATE_FILE/,
      ],
      ['no login where one is wanted', 'LOGIN', { tls }, /wants a login: set SALDO_KAFKA_SASL/],
      [
        'a login where none is known',
        'TLS',
        { tls, sasl: plainLogin(user, password) },
        /knows no login: set SALDO_KAFKA_SASL to off/,
      ],
      [
        'a mechanism that is not offered',
        'SHORT',
        { sasl: scram('scram-sha-256', password) },
        /does not offer SCRAM-SHA-256: set SALDO_KAFKA_SASL to one of plain/,
      ],
      [
        'a wrong password of PLAIN',
        'LOGIN',
        { tls, sasl: plainLogin(user, 'secret-guess') },
        /does not accept this login .*: look at SALDO_KAFKA_USER and SALDO_KAFKA_PASSWORD/,
      ],
      [
        'a wrong password of SCRAM',
        'LOGIN',
        { tls, sasl: scram('scram-sha-512', 'secret-guess') },
        /does not accept this login .*: look at SALDO_KAFKA_USER and SALDO_KAFKA_PASSWORD/,
      ],
      [
        'a token that is refused',
        'LOGIN',
        { tls, sasl: bearer('refused', 'secret-guess') },
        /does not accept the token .*: look at SALDO_KAFKA_TOKEN_FILE/,
      ],
      [
        'a token that is over',
        'LOGIN',
        { tls, sasl: bearer('over', unsignedToken(user, -1)) },
        /the token in .* \(SALDO_KAFKA_TOKEN_FILE\) expired at 20/,
      ],
      [
        'a user who may see nothing',
        'LOGIN',
        { tls, sasl: plainLogin('nobody', PASSWORD) },
        /login see [^ ]*budgets.exceeded, .*ledger.commands, .*: docs\/kafka-security.md lists/,
      ],
    ])('says what is wrong: %s', async ([, listener, security, sentence]) => {
      const opening = openAt(listener, security)
      await expect(opening).rejects.toThrow(sentence)
      await expect(opening).rejects.toMatchObject({ name: 'SaldoError' })
      await expect(opening).rejects.not.toThrow(/secret/)
    })

    test('logs in again before a session is over, and every request is answered', async () => {
      const cluster = openCluster({
        brokers: [kafka.broker.addressOf('SHORT')],
        clientId: 'test',
        security: { sasl: plainLogin(user, password) },
      })
      await cluster.connect()
      await cluster.refreshMetadata()
      const { connectionPool } = await cluster.findControllerBroker()
      const until = performance.now() + 2 * SESSION_MS
      while (performance.now() < until) await describeTopics(connectionPool, [])
      await cluster.disconnect()
    })

    describe('lets whoever has the permissions of the document', () => {
      const prefix = 'acl.'
      let all: KafkaLog

      beforeAll(async () => {
        all = await openAt('LOGIN', { tls, sasl: plainLogin(user, password) }, prefix)
        const brokers = [kafka.broker.address]
        const admin = kafkaClient({ brokers, clientId: 'test' }).admin()
        await admin.connect()
        const acl = documentedPermissions.flatMap((one) => aclsOf(one, userOf(one), prefix))
        await admin.createAcls({ acl })
        await admin.disconnect()
        const names = Object.keys(topics) as TopicName[]
        await all.producer().append(names.map((topic) => record('before', topic)))
      })
      afterAll(() => all.close())

      test.for(documentedPermissions)('do its work, and nothing else: $who', async (own) => {
        const login = plainLogin(userOf(own), PASSWORD)
        const log = await openAt('LOGIN', { tls, sasl: login }, prefix)
        await mayWrite(log, own, prefix)
        for (const topic of Object.keys(topics) as TopicName[]) {
          const reading = log.read(place(topic), await log.start(place(topic)), NO_LIMIT)
          if (own.read.includes(topic)) await reading
          else await expect(reading).rejects.toThrow(`reading ${topic}/0: Kafka does not allow`)
        }
        for (const topic of own.remove) {
          const readTo = [await log.end(place(topic))]
          const rule = { topics: [topic], olderThanMs: 0, segmentMs: 0, segmentBytes: 0 } as const
          const removed = await log.retention().sweep([{ ...rule, readTo }])
          expect(removed.map((one) => one.topic)).toEqual([topic])
        }
        await log.close()
      })
    })
  },
  settings,
)

async function mayWrite(log: KafkaLog, own: Permissions, prefix: string): Promise<void> {
  const { read, write, group, transactionalIds } = own
  const isOwner = transactionalIds !== undefined
  const commits = isOwner ? write.filter((topic) => read.includes(topic)) : []
  const appends = write.filter((topic) => !commits.includes(topic))
  await log.producer().append(appends.map((topic) => record('appended', topic)))
  const from = group?.name === 'saldo.streams' ? 'ledger.events' : 'ledger.commands'
  const at: GroupPlace = { group: group?.name ?? 'saldo.actors', topic: from, partition: 0 }
  if (isOwner) {
    const lease = await log.acquire(at)
    await lease.commit(
      commits.map((topic) => record('committed', topic)),
      1n,
    )
    const forbidden = lease.commit([record('forbidden', 'ledger.commands')], 2n)
    await expect(forbidden).rejects.toThrow(`write to ${prefix}ledger.commands: docs`)
  } else {
    await expect(log.acquire(at)).rejects.toThrow(
      `use the transactional id ${prefix}${at.group}.${from}.0: docs`,
    )
    const [forbidden] = (Object.keys(topics) as TopicName[]).filter((one) => !write.includes(one))
    if (forbidden === undefined) return
    const appending = log.producer().append([record('forbidden', forbidden)])
    await expect(appending).rejects.toThrow('Kafka does not allow this user to')
  }
  if (group !== undefined) await log.position(at)
  else await expect(log.position(at)).rejects.toThrow('use the group')
}

function pairOf(name: string): { readonly certificateFile: string; readonly keyFile: string } {
  return files.putPair(name, ca.certify(name, []))
}

function scram(mechanism: 'scram-sha-256' | 'scram-sha-512', password: string): KafkaSasl {
  return { mechanism, user: ADA.user, password: { value: password } }
}

function scramOfFile(): KafkaSasl {
  const file = files.put('password', `${ADA.password}\n`)
  return { mechanism: 'scram-sha-512', user: ADA.user, password: { file } }
}

function bearer(name: string, token: string): KafkaSasl {
  return { mechanism: 'oauthbearer', token: { file: files.put(name, token) } }
}
