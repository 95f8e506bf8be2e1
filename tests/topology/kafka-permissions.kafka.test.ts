import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kafkaClient } from '../../topology/log/kafka-cluster.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { topicAdmin } from '../../topology/log/kafka-topic-admin.ts'
import type { RetentionRule } from '../../topology/log/retention.ts'
import { groupPlace, place, record } from '../contracts/log-records.ts'
import { describeOwnKafka } from '../support/kafka.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
const PREFIX = 'guarded.'

describeOwnKafka(
  'an engine with few permissions',
  (kafka) => {
    const brokers = (): string[] => [kafka.broker.address]
    let log: KafkaLog | undefined
    const differences: string[] = []
    const refused: string[] = []

    const open = (): Promise<KafkaLog> =>
      kafkaLog({
        brokers: [kafka.broker.addressOf('GUARDED')],
        partitions: 2,
        role: 'test',
        prefix: PREFIX,
        onDifference: (sentence) => differences.push(sentence),
        security: { sasl: { mechanism: 'plain', user: 'engine', password: { value: 'secret' } } },
      })

    async function allow(
      resourceType: keyof typeof AclResourceTypes,
      ...operations: readonly (keyof typeof AclOperationTypes)[]
    ): Promise<void> {
      const client = kafkaClient({ brokers: brokers(), clientId: 'test' }).admin()
      await client.connect()
      await client.createAcls({
        acl: operations.map((operation) => ({
          principal: 'User:engine',
          host: '*',
          resourceType: AclResourceTypes[resourceType],
          resourceName: PREFIX,
          resourcePatternType: ResourcePatternTypes.PREFIXED,
          operation: AclOperationTypes[operation],
          permissionType: AclPermissionTypes.ALLOW,
        })),
      })
      await client.disconnect()
    }

    beforeAll(async () => {
      await allow('TOPIC', 'READ', 'WRITE')
      await allow('GROUP', 'READ')
      await allow('TRANSACTIONAL_ID', 'WRITE')
    })
    afterAll(() => log?.close())

    test('is told who has to make the topics', async () => {
      await expect(open()).rejects.toMatchObject({ code: 'SALDO_TOPICS_REFUSED' })
      await expect(open()).rejects.toThrow(
        /^guarded\.ledger\.commands is missing, and the cluster does not create it \(.*uthoriz.*\): run `saldo topics create`/,
      )
    })

    test('works on topics that somebody else made, whose settings it may not see', async () => {
      const made = await topicAdmin({ brokers: brokers(), partitions: 2, prefix: PREFIX })
      await made.mend({ alter: false })
      await made.close()
      log = await open()
      expect(differences).toContain(
        'guarded.ledger.events has settings that this login may not see',
      )
      await log.producer().append([record('a', 'ledger.commands')])
      const lease = await log.acquire(groupPlace())
      await lease.commit([record('b')], 1n)
      await lease.release()
      await (await log.acquire(groupPlace())).release()
      const retention = log.retention({
        onRefused: (sentence) => refused.push(sentence),
      })
      const rule: RetentionRule = {
        topics: ['ledger.commands'],
        olderThanMs: 0,
        segmentMs: 0,
        segmentBytes: 0,
        groups: ['group'],
      }
      expect(await retention.sweep([rule])).toEqual([])
      expect(await retention.sweep([rule])).toEqual([])
      expect(refused).toEqual([
        'records of guarded.ledger.commands stay, because this login may not delete them',
      ])
      expect(await log.start(place('ledger.commands'))).toBe(0n)
    })
  },
  {
    listeners: { GUARDED: 'SASL_PLAINTEXT' },
    settings: {
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.guarded.plain.sasl.jaas.config':
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_engine="secret";',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Whoever comes by another listener.
      'super.users': 'User:ANONYMOUS',
    },
  },
)
