import { CompressionTypes, Partitioners } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RECORD_BYTES_MAX, type TopicName } from '../../schemas/topics.ts'
import {
  alterTopicsCall,
  deleteRecordsCall,
  describeSettingsCall,
} from '../../topology/log/kafka-admin-calls.ts'
import { kafkaClient, openCluster, type WireCluster } from '../../topology/log/kafka-cluster.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import { topicPlans, type TopicChoices } from '../../topology/log/kafka-topic-plans.ts'
import { createTopics, withPatience } from '../../topology/log/kafka-topics.ts'
import type { RetentionRule } from '../../topology/log/retention.ts'
import { codeOf, groupPlace, NO_LIMIT, place, record, texts } from '../contracts/log-records.ts'
import { describeKafka } from '../support/kafka.ts'

const PARTITIONS = 2
const HOUR_MS = 3_600_000

describeKafka('topics and retention', (kafka) => {
  let opened = 0
  let prefix: string
  let log: KafkaLog
  let cluster: WireCluster
  const logs: KafkaLog[] = []

  async function open(choices?: TopicChoices): Promise<{
    readonly log: KafkaLog
    readonly differences: readonly string[]
  }> {
    const differences: string[] = []
    const one = await kafkaLog({
      brokers: [kafka.broker.address],
      partitions: PARTITIONS,
      role: 'test',
      prefix,
      onDifference: (sentence) => differences.push(sentence),
      ...(choices === undefined ? {} : { choices }),
    })
    logs.push(one)
    return { log: one, differences }
  }

  beforeEach(async () => {
    prefix = `${kafka.prefix}${++opened}.`
    log = (await open()).log
    cluster = openCluster({ brokers: [kafka.broker.address], clientId: 'test' })
    await cluster.connect()
    await cluster.addMultipleTargetTopics([`${prefix}ledger.commands`])
  })
  afterEach(async () => {
    await Promise.all(logs.splice(0).map((one) => one.close()))
    await cluster.disconnect()
  })

  async function set(topic: TopicName, name: string, value: string): Promise<void> {
    const { connectionPool } = await cluster.findControllerBroker()
    const call = alterTopicsCall([{ name: prefix + topic, settings: [{ name, value }] }])
    expect(await connectionPool.send(call)).toMatchObject([{ code: 0 }])
    // Answered by the controller before the broker has heard of it.
    for (let found: string | undefined; found !== value;) {
      const look = describeSettingsCall([prefix + topic], [name])
      const [described] = await connectionPool.send(look)
      found = described?.settings.get(name)
    }
  }

  describe('topics', () => {
    test('that were made as they ought to be differ in nothing', async () => {
      expect((await open()).differences).toEqual([])
    })

    test('that would lose events are refused, with what to do', async () => {
      await set('ledger.events', 'retention.ms', String(HOUR_MS))
      await expect(open()).rejects.toMatchObject({
        code: 'SALDO_TOPICS_REFUSED',
        message: `${prefix}ledger.events has retention.ms=3600000, not -1, which breaks a promise: \`saldo topics check\` shows every difference, \`saldo topics create --alter\` mends them`,
      })
    })

    test('whose records have the times of producers are refused', async () => {
      await set('ledger.commands', 'message.timestamp.type', 'CreateTime')
      expect(await codeOf(open())).toBe('SALDO_TOPICS_REFUSED')
    })

    test('that keep answers for another time than was asked for are told of, and used', async () => {
      const { log: other, differences } = await open({ answersMs: HOUR_MS })
      expect(differences).toContain(
        `${prefix}ledger.outcomes has retention.ms=604800000, not ${HOUR_MS}`,
      )
      expect(other.identity).toBe(log.identity)
    })

    test('of a later release are made, and it stays the same log', async () => {
      prefix = `${kafka.prefix}${++opened}.`
      const at = { partitions: PARTITIONS, brokers: 1 }
      const earlier = topicPlans(kafkaNames(prefix), at, {}).slice(0, -1)
      const { connectionPool } = await cluster.findControllerBroker()
      await createTopics(connectionPool, earlier)
      // A broker hears of them a moment after they are made.
      const names = earlier.map(({ name }) => name)
      await withPatience(cluster, 'not heard of', () => cluster.addMultipleTargetTopics(names))
      // Without a number of partitions nothing is made.
      const before = await kafkaLog({ brokers: [kafka.broker.address], role: 'test', prefix })
      logs.push(before)
      const { log: later, differences } = await open()
      expect(later.identity).toBe(before.identity)
      expect(differences).toEqual([])
    })

    test('that the cluster does not create are refused with what it says and what to do', async () => {
      prefix = `${kafka.prefix}${++opened}.`
      const tooMany = open({ replicas: 3 })
      await expect(tooMany).rejects.toMatchObject({ code: 'SALDO_TOPICS_REFUSED' })
      await expect(tooMany).rejects.toThrow(
        /ledger\.commands is missing, and the cluster does not create it \(.*replication.*\): run `saldo topics create`/i,
      )
    })

    test('take no record that is too large when it is unpacked', async () => {
      const client = kafkaClient({ brokers: [kafka.broker.address], clientId: 'stranger' })
      const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
      await producer.connect()
      const send = (bytes: number): Promise<unknown> =>
        producer.send({
          topic: `${prefix}ledger.commands`,
          compression: CompressionTypes.GZIP,
          messages: [{ partition: 0, key: 'user-1', value: Buffer.alloc(bytes) }],
        })
      await send(RECORD_BYTES_MAX)
      await expect(send(2 * RECORD_BYTES_MAX)).rejects.toThrow(/larger than the max/)
      await producer.disconnect()
      expect((await log.read(place('ledger.commands'), 0n, NO_LIMIT)).records).toHaveLength(1)
    })
  })

  describe('retention', () => {
    const ofCommands: RetentionRule = {
      topics: ['ledger.commands'],
      olderThanMs: 0,
      segmentMs: 0,
      segmentBytes: 0,
      groups: ['group'],
    }
    const commands = place('ledger.commands')
    const append = (text: string, partition = 0) =>
      log.producer().append([record(text, 'ledger.commands', partition)])
    async function readTo(offset: bigint, partition = 0, group = 'group'): Promise<void> {
      const lease = await log.acquire(groupPlace(partition, group))
      await lease.commit([], offset)
      await lease.release()
      // A commit is answered before the offset is there to be asked for; whoever takes over waits for that.
      await (await log.acquire(groupPlace(partition, group))).release()
    }

    test('commands go up to the committed offset, and no further', async () => {
      const retention = log.retention()
      for (const text of ['a', 'b', 'c']) await append(text)
      await append('other', 1)
      expect(await retention.sweep([ofCommands])).toEqual([])
      await readTo(2n)
      expect(await retention.sweep([ofCommands])).toEqual([
        { topic: 'ledger.commands', offsets: 2 },
      ])
      expect(await log.start(commands)).toBe(2n)
      expect(await log.start(place('ledger.commands', 1))).toBe(0n)
      expect(texts((await log.read(commands, 2n, NO_LIMIT)).records)).toEqual(['c'])
      expect(await retention.sweep([ofCommands])).toEqual([])
    })

    test('commands stay that are behind an open transaction, whatever a group says', async () => {
      await append('a')
      const client = kafkaClient({ brokers: [kafka.broker.address], clientId: 'stranger' })
      const producer = client.producer({
        transactionalId: `${prefix}stranger`,
        createPartitioner: Partitioners.DefaultPartitioner,
      })
      await producer.connect()
      const open = await producer.transaction()
      const messages = [{ partition: 0, key: 'user-1', value: 'open' }]
      await open.send({ topic: `${prefix}ledger.commands`, messages })
      await readTo(2n)
      await log.retention().sweep([ofCommands])
      expect(await log.start(commands)).toBe(1n)
      await open.commit()
      await producer.disconnect()
      const { signal } = new AbortController()
      while ((await log.end(commands)) < 2n) await log.arrival(commands, 1n, signal)
      expect(texts((await log.read(commands, 1n, NO_LIMIT)).records)).toEqual(['open'])
    })

    test('commands stay that a group or a checkpoint may need', async () => {
      const retention = log.retention()
      for (const text of ['a', 'b', 'c']) await append(text)
      await readTo(3n)
      await readTo(1n, 0, 'slow')
      const groups = ['group', 'slow']
      expect(await retention.sweep([{ ...ofCommands, groups: ['group', 'nobody'] }])).toEqual([])
      expect(await retention.sweep([{ ...ofCommands, readTo: [0n, 0n] }])).toEqual([])
      await retention.sweep([{ ...ofCommands, groups }])
      expect(await log.start(commands)).toBe(1n)
      await retention.sweep([{ ...ofCommands, readTo: [2n, 0n] }])
      expect(await log.start(commands)).toBe(2n)
    })

    test('what has an age is left to the settings of its topic', async () => {
      await log.producer().append([record('a', 'ledger.outcomes')])
      const rule = { ...ofCommands, topics: ['ledger.outcomes'], olderThanMs: 1 } as const
      expect(await log.retention().sweep([{ ...rule, groups: [], readTo: [1n, 0n] }])).toEqual([])
      expect(await log.start(place('ledger.outcomes'))).toBe(0n)
    })

    test('the oldest unread command of a group is told by its age in the log', async () => {
      const retention = log.retention()
      const before = Date.now()
      await append('read')
      const [first] = (await log.read(commands, 0n, NO_LIMIT)).records
      const ageOf = async (group: string, partition = 0) =>
        (await retention.unreadMs(group)).get(partition)
      const age = (await ageOf('group')) ?? -1
      expect(age).toBeGreaterThanOrEqual(0)
      expect(age).toBeLessThanOrEqual(Date.now() - before)
      expect(await ageOf('group', 1)).toBe(0)
      await readTo(1n)
      expect(await ageOf('group')).toBe(0)
      await append('unread')
      const ageOfFirst = Date.now() - (first?.appendedAt ?? 0)
      expect(await ageOf('nobody')).toBeGreaterThanOrEqual(ageOfFirst)
      const [second] = (await log.read(commands, 1n, NO_LIMIT)).records
      expect(await ageOf('group')).toBeLessThanOrEqual(Date.now() - (second?.appendedAt ?? 0))
    })

    test('the oldest command is the oldest that is kept, when somebody removed others', async () => {
      const retention = log.retention()
      for (const text of ['a', 'b']) await append(text)
      const name = `${prefix}ledger.commands`
      await cluster.addMultipleTargetTopics([name])
      const leader = cluster.findTopicPartitionMetadata(name)[0]?.leader ?? -1
      const { connectionPool } = await cluster.findBroker({ nodeId: leader })
      await connectionPool.send(deleteRecordsCall(name, [{ partition: 0, before: 1n }]))
      await readTo(0n)
      expect((await retention.unreadMs('group')).get(0)).toBeGreaterThanOrEqual(0)
    })
  })
})
