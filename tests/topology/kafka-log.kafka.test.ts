import { createRequire } from 'node:module'
import kafkajs, { Kafka, logLevel, Partitioners, type Admin, type Producer } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { SaldoError } from '../../schemas/errors.ts'
import { topics, type TopicName } from '../../schemas/topics.ts'
import { kafkaClient, openCluster } from '../../topology/log/kafka-cluster.ts'
import { CommitBudget } from '../../topology/log/kafka-commit-budget.ts'
import { KafkaIdentity } from '../../topology/log/kafka-identity.ts'
import { acquireLease } from '../../topology/log/kafka-lease.ts'
import { encodeBatch } from '../../topology/log/kafka-encode.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import type { Lease, NewRecord } from '../../topology/log/log.ts'
import {
  codeOf,
  groupPlace,
  LOG_PARTITIONS,
  NO_LIMIT,
  place,
  readAll,
  record,
  texts,
} from '../contracts/log-records.ts'
import { describeLogContract } from '../contracts/log.contract.ts'
import { describeKafka } from '../support/kafka.ts'
import { END_TXN, kafkaProxy, PRODUCE, type KafkaProxy } from '../support/kafka-proxy.ts'

const events = place('ledger.events')
const { prototype: wireBroker } = createRequire(import.meta.url)('kafkajs/src/broker') as {
  readonly prototype: { metadata(topics: readonly string[]): Promise<unknown> }
}

function sized(bytes: number): NewRecord {
  return { ...record(''), value: Buffer.alloc(bytes) }
}

/** As `kafka-delete-records` does: up to the high watermark of every partition. */
async function removeAll(brokers: string[], topic: string): Promise<void> {
  const admin = kafkaClient({ brokers, clientId: 'retention' }).admin()
  await admin.connect()
  try {
    const partitions = Array.from({ length: LOG_PARTITIONS }, (_, partition) => ({
      partition,
      offset: '-1',
    }))
    // kafkajs looks for leaders before it asks who they are.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions })
  } finally {
    await admin.disconnect()
  }
}

describeKafka('the log', (kafka) => {
  let proxy: KafkaProxy
  let opened = 0

  beforeAll(async () => {
    proxy = await kafkaProxy({ targets: [kafka.broker.address] })
  })
  afterAll(() => proxy.close())

  const openedAt = (
    address: string,
    prefix: string,
    partitions = LOG_PARTITIONS,
  ): Promise<KafkaLog> => kafkaLog({ brokers: [address], partitions, role: 'test', prefix })

  describeLogContract('keeps what every log promises', async () => {
    const prefix = `${kafka.prefix}contract-${++opened}.`
    const log = await openedAt(proxy.address, prefix)
    return {
      log,
      reopen: (partitions) => openedAt(kafka.broker.address, prefix, partitions),
      async loseAnswer(_lease, when, commit) {
        proxy.lose(END_TXN, when === 'after' ? 'answer' : 'request')
        await commit()
      },
      remove: (topic) => removeAll([kafka.broker.address], kafkaNames(prefix).topic(topic)),
      close: () => log.close(),
    }
  })

  describe('has what only Kafka has:', () => {
    let prefix: string
    let log: KafkaLog
    let client: Kafka
    let admin: Admin
    const producers: Producer[] = []

    beforeEach(async () => {
      prefix = `${kafka.prefix}own-${++opened}.`
      log = await openedAt(proxy.address, prefix)
      client = new Kafka({
        brokers: [kafka.broker.address],
        logLevel: logLevel.NOTHING,
        retry: { initialRetryTime: 5 },
      })
      admin = client.admin()
      await admin.connect()
    })
    afterEach(async () => {
      await Promise.all(producers.splice(0).map((producer) => producer.disconnect()))
      await admin.disconnect()
      await log.close()
    })

    const nameOf = (topic: TopicName): string => `${prefix}${topic}`
    /** Somebody else's producer. */
    async function stranger(transactionalId?: string): Promise<Producer> {
      const producer = client.producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        ...(transactionalId === undefined
          ? {}
          : {
              transactionalId: prefix + transactionalId,
              idempotent: true,
              maxInFlightRequests: 1,
            }),
      })
      producers.push(producer)
      await producer.connect()
      return producer
    }
    const written = (value: string, topic: TopicName = 'ledger.events') => ({
      topic: nameOf(topic),
      messages: [{ partition: 0, key: 'user-1', value }],
    })

    /** An abort is answered before its marker is written. */
    async function transactionsEnded(): Promise<void> {
      const offsets = await admin.fetchTopicOffsets(nameOf('ledger.events'))
      const high = offsets.find(({ partition }) => partition === events.partition)?.high ?? 0
      for (let end = await log.end(events); end < BigInt(high); end = await log.end(events)) {
        await log.arrival(events, end, new AbortController().signal)
      }
    }

    test('an owner can ask whether it still is one, which writes nothing', async () => {
      const lease = await log.acquire(groupPlace())
      await lease.confirm()
      await lease.commit([record('a')], 3n)
      await lease.confirm()
      const next = await log.acquire(groupPlace())
      expect(next.committed).toBe(3n)
      expect(await codeOf(lease.confirm())).toBe('SALDO_LEASE_FENCED')
      expect(lease.lost.aborted).toBe(true)
      await next.confirm()
      expect(texts(await readAll(log, events))).toEqual(['a'])
      // Between commits that are on their way it takes its turn.
      await Promise.all([next.commit([record('b')], 4n), next.confirm(), next.commit([], 5n)])
      expect((await log.acquire(groupPlace())).committed).toBe(5n)
      await (await log.acquire(groupPlace(1))).confirm()
      expect((await log.acquire(groupPlace(1))).committed).toBeUndefined()
    })

    test('an append whose answer was lost is stored once', async () => {
      const producer = log.producer()
      await producer.append([record('a')])
      proxy.lose(PRODUCE, 'answer')
      await producer.append([record('b')])
      proxy.lose(PRODUCE, 'request')
      await producer.append([record('c')])
      expect(texts(await readAll(log, events))).toEqual(['a', 'b', 'c'])
    })

    test('an append after one that failed is not taken for its repetition', async () => {
      const producer = log.producer()
      proxy.lose(PRODUCE, 'answer', Number.POSITIVE_INFINITY)
      expect(await codeOf(producer.append([record('a')]))).toBe('SALDO_LOG_UNAVAILABLE')
      proxy.heal()
      await producer.append([record('b')])
      expect(texts(await readAll(log, events))).toEqual(['a', 'b'])
    })

    test('a commit whose records did not all arrive did not happen', async () => {
      const lease = await log.acquire(groupPlace())
      await lease.commit([record('a')], 1n)
      proxy.lose(PRODUCE, 'answer')
      expect(await codeOf(lease.commit([record('b')], 2n))).toBe('SALDO_LOG_UNAVAILABLE')
      expect(lease.lost.aborted).toBe(true)
      const next = await log.acquire(groupPlace())
      expect(next.committed).toBe(1n)
      expect(texts(await readAll(log, events))).toEqual(['a'])
      await next.commit([record('b again')], 2n)
      expect(texts(await readAll(log, events))).toEqual(['a', 'b again'])
    })

    test('an owner on brokers before 4.0 commits, is in doubt and is fenced as others are', async () => {
      const take = (): Promise<Lease> =>
        acquireLease(
          openCluster({ brokers: [proxy.address], clientId: 'test' }),
          kafkaNames(prefix),
          groupPlace(),
          { check: () => undefined, budget: new CommitBudget(), isV2Allowed: false },
        )
      const first = await take()
      await first.commit([record('a'), record('o', 'ledger.outcomes')], 1n)
      await first.confirm()
      await first.commit([record('b')], 2n)
      proxy.lose(END_TXN, 'answer')
      expect(await codeOf(first.commit([record('c')], 3n))).toBe('SALDO_COMMIT_IN_DOUBT')
      await first.release()
      const second = await take()
      expect(second.committed).toBe(3n)
      const newer = await log.acquire(groupPlace())
      expect(await codeOf(second.commit([record('of a zombie')], 4n))).toBe('SALDO_LEASE_FENCED')
      await second.release()
      await newer.commit([record('d')], 4n)
      expect(texts(await readAll(log, events))).toEqual(['a', 'b', 'c', 'd'])
      const third = await take()
      expect(third.committed).toBe(4n)
      expect(third.epoch).toBeGreaterThan(newer.epoch)
      expect(await codeOf(newer.commit([], 5n))).toBe('SALDO_LEASE_FENCED')
      await third.release()
    })

    test('an owner without commits keeps its offset alive, where it is', async () => {
      const brokers = [kafka.broker.address]
      const names = kafkaNames(prefix)
      const cluster = openCluster({ brokers, clientId: 'test' })
      const lease = await acquireLease(cluster, names, groupPlace(), {
        check: () => undefined,
        budget: new CommitBudget(),
        keepAliveMs: 100,
      })
      await lease.commit([record('a')], 7n)
      await admin.deleteGroups([names.group('group')])
      const offset = async (): Promise<string | undefined> => {
        const topics = [nameOf('ledger.commands')]
        const [found] = await admin.fetchOffsets({ groupId: names.group('group'), topics })
        return found?.partitions.find(({ partition }) => partition === 0)?.offset
      }
      while ((await offset()) !== '7');
      await lease.release()
      expect((await log.acquire(groupPlace())).committed).toBe(7n)
      expect(texts(await readAll(log, events))).toEqual(['a'])
    })

    test('a broker that does not answer a commit leaves no owner waiting', async () => {
      const lost = await Promise.all(
        [END_TXN, PRODUCE].map(async (apiKey, partition) => {
          const lease = await log.acquire(groupPlace(partition))
          await lease.commit([record('a', 'ledger.events', partition)], 1n)
          return { apiKey, lease }
        }),
      )
      const codes: string[] = []
      for (const { apiKey, lease } of lost) {
        proxy.lose(apiKey, 'silence')
        const { partition } = lease.place
        codes.push(await codeOf(lease.commit([record('b', 'ledger.events', partition)], 2n)))
        expect(lease.lost.aborted).toBe(true)
        await lease.release()
      }
      expect(codes).toEqual(['SALDO_COMMIT_IN_DOUBT', 'SALDO_LOG_UNAVAILABLE'])
      expect((await log.acquire(groupPlace(0))).committed).toBe(2n)
      expect((await log.acquire(groupPlace(1))).committed).toBe(1n)
    })

    test('records of transactions that were aborted are not read, those around them are', async () => {
      const [one, two] = [await stranger('one'), await stranger('two')]
      const aborted = await one.transaction()
      await aborted.send(written('aborted'))
      const committed = await two.transaction()
      await committed.send(written('committed'))
      await log.producer().append([record('plain')])
      await aborted.send(written('aborted too'))
      await committed.commit()
      await aborted.abort()
      await log.producer().append([record('last')])
      await transactionsEnded()
      expect(texts(await readAll(log, events))).toEqual(['committed', 'plain', 'last'])
      const single = { records: 1, bytes: 1 }
      expect(texts(await readAll(log, events, single))).toEqual(['committed', 'plain', 'last'])
    })

    test('the first committed record is found, however much was aborted before it', async () => {
      const aborted = await (await stranger('one')).transaction()
      for (const letter of 'abc') await aborted.send(written(letter.repeat(100_000)))
      await aborted.abort()
      await log.producer().append([record('committed')])
      await transactionsEnded()
      const slice = await log.read(events, 0n, { records: 1, bytes: 1 })
      expect(texts(slice.records)).toEqual(['committed'])
    })

    test('an open transaction holds the end up, and nothing behind it is read before it ends', async () => {
      const lease = await log.acquire(groupPlace())
      await lease.commit([record('before')], 1n)
      const end = await log.end(events)
      const open = await (await stranger('open')).transaction()
      await open.send(written('open'))
      await log.producer().append([record('behind')])
      expect(await log.end(events)).toBe(end)
      expect(texts((await log.read(events, 0n, NO_LIMIT)).records)).toEqual(['before'])
      expect(await log.read(events, end, NO_LIMIT)).toEqual({ records: [], next: end, end })
      await open.commit()
      await log.arrival(events, end, new AbortController().signal)
      expect(texts(await readAll(log, events))).toEqual(['before', 'open', 'behind'])
    })

    test('records that are gone stop the reader, and it never jumps over them', async () => {
      for (const letter of 'abc') await log.producer().append([record(letter)])
      const partitions = [{ partition: 0, offset: '2' }]
      // Loads the metadata that the next call needs.
      await admin.fetchTopicOffsets(nameOf('ledger.events'))
      await admin.deleteTopicRecords({ topic: nameOf('ledger.events'), partitions })
      expect(await codeOf(log.read(events, 1n, NO_LIMIT))).toBe('SALDO_RECORDS_REMOVED')
      expect(texts((await log.read(events, 2n, NO_LIMIT)).records)).toEqual(['c'])
    })

    test('a producer cannot choose the time of its records', async () => {
      const before = Date.now()
      const producer = await stranger()
      const messages = [{ partition: 0, key: 'user-1', value: 'a', timestamp: '1000' }]
      await producer.send({ topic: nameOf('ledger.commands'), messages })
      const [stored] = await readAll(log, place('ledger.commands'))
      expect(stored?.appendedAt).toBeGreaterThan(before - 60_000)
    })

    test('topics are made to keep what they must keep, and packed by nobody', async () => {
      const configNames = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'compression.type']
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: Object.values(topics).map(({ name }) => ({
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: nameOf(name),
          configNames,
        })),
      })
      const settings = resources.map(({ resourceName, configEntries }) => [
        resourceName.slice(prefix.length),
        configNames.map(
          (one) => configEntries.find(({ configName }) => configName === one)?.configValue,
        ),
      ])
      const forEver = ['delete', '-1', '-1', 'uncompressed']
      const aWeek = ['delete', `${7 * 24 * 60 * 60 * 1_000}`, '-1', 'uncompressed']
      expect(Object.fromEntries(settings)).toEqual({
        'ledger.commands': forEver,
        'ledger.events': forEver,
        'ledger.outcomes': aWeek,
        'ledger.parked': forEver,
        'ledger.dead-letters': aWeek,
        'transactions.created': aWeek,
        'transactions.categorized': aWeek,
        'expenses.events': aWeek,
        'budgets.exceeded': aWeek,
      })
    })

    test('a record that the broker does not take is refused for good', async () => {
      const large = { ...record(''), value: Buffer.alloc(2_000_000) }
      expect(await codeOf(log.producer().append([large]))).toBe('SALDO_RECORD_TOO_LARGE')
      const lease = await log.acquire(groupPlace())
      expect(await codeOf(lease.commit([large], 1n))).toBe('SALDO_RECORD_TOO_LARGE')
      expect((await log.acquire(groupPlace())).committed).toBeUndefined()
      expect(await readAll(log, events)).toEqual([])
    })

    test('a record is taken up to the last byte that a topic allows, and refused with one more', async () => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: nameOf('ledger.events'),
            configNames: ['max.message.bytes'],
          },
        ],
      })
      const batchMax = Number(resources[0]?.configEntries[0]?.configValue)
      const encoded = encodeBatch([sized(batchMax - 1_000)], {
        producerId: 1n,
        producerEpoch: 0,
        sequence: 0,
        isTransactional: true,
        time: 0,
      })
      const largest = 2 * batchMax - 1_000 - encoded.length
      const producer = log.producer()
      await producer.append([sized(largest)])
      expect(await codeOf(producer.append([sized(largest + 1)]))).toBe('SALDO_RECORD_TOO_LARGE')
      const lease = await log.acquire(groupPlace())
      await lease.commit([sized(largest)], 1n)
      expect(await codeOf(lease.commit([sized(largest + 1)], 2n))).toBe('SALDO_RECORD_TOO_LARGE')
      const stored = await readAll(log, events)
      expect(stored.map(({ value }) => value.length)).toEqual([largest, largest])
    })

    test('a log of which one topic has other partitions is refused', async () => {
      const topic = nameOf('ledger.parked')
      await admin.createPartitions({ topicPartitions: [{ topic, count: LOG_PARTITIONS + 1 }] })
      expect(await codeOf(openedAt(kafka.broker.address, prefix))).toBe('SALDO_LOG_MISMATCH')
    })

    test('a topic that is deleted beneath an open log is missed by all who use it, and made by nobody', async () => {
      const lease = await log.acquire(groupPlace())
      await log.producer().append([record('a')])
      await admin.deleteTopics({ topics: [nameOf('ledger.events')] })
      const uses = [
        log.read(events, 0n, NO_LIMIT),
        log.producer().append([record('b')]),
        lease.commit([record('c')], 1n),
      ]
      expect(await Promise.all(uses.map((use) => codeOf(use)))).toEqual(
        uses.map(() => 'SALDO_LOG_UNAVAILABLE'),
      )
      expect(await admin.listTopics()).not.toContain(nameOf('ledger.events'))
    })

    /** With its partitions, and nothing in it; the controller answers before the broker has heard of either. */
    async function createAgain(name: TopicName): Promise<void> {
      const topic = nameOf(name)
      const isThere = async (): Promise<boolean> => (await admin.listTopics()).includes(topic)
      await admin.deleteTopics({ topics: [topic] })
      while (await isThere());
      await admin.createTopics({
        topics: [{ topic, numPartitions: LOG_PARTITIONS, replicationFactor: 1 }],
        waitForLeaders: false,
      })
      while (!(await isThere()));
    }

    describe('beneath an open log, a topic that is deleted and created again', () => {
      test('stops its readers where they are, and everybody from then on', async () => {
        const lease = await log.acquire(groupPlace())
        const producer = log.producer()
        await producer.append([record('a'), record('b')])
        await createAgain('ledger.events')
        expect(await codeOf(log.read(events, 2n, NO_LIMIT))).toBe('SALDO_LOG_MISMATCH')
        const uses = [
          log.read(place('ledger.commands'), 0n, NO_LIMIT),
          log.end(events),
          producer.append([record('c')]),
          lease.commit([record('d')], 1n),
        ]
        expect(await Promise.all(uses.map((use) => codeOf(use)))).toEqual(
          uses.map(() => 'SALDO_LOG_MISMATCH'),
        )
        expect(await admin.fetchTopicOffsets(nameOf('ledger.events'))).toMatchObject(
          Array.from({ length: LOG_PARTITIONS }, () => ({ high: '0' })),
        )
      })

      test('stops who takes a partition over', async () => {
        await createAgain('ledger.outcomes')
        expect(await codeOf(log.acquire(groupPlace()))).toBe('SALDO_LOG_MISMATCH')
      })

      test('is noticed by who asks nothing of it', async () => {
        const cluster = openCluster({ brokers: [kafka.broker.address], clientId: 'test' })
        await cluster.connect()
        const same = new KafkaIdentity(cluster, kafkaNames(prefix), log.identity, 10)
        await same.check()
        await createAgain('ledger.parked')
        await vi.waitUntil(() => {
          try {
            same.expect()
            return false
          } catch (error) {
            return error instanceof SaldoError && error.code === 'SALDO_LOG_MISMATCH'
          }
        })
        same.close()
        await cluster.disconnect()
      })
    })

    test('a cluster is asked about no topics but those of the log', async () => {
      const asked = vi.spyOn(wireBroker, 'metadata')
      const another = await openedAt(kafka.broker.address, `${prefix}another.`)
      await another.close()
      expect(asked).toHaveBeenCalled()
      expect(asked.mock.calls.filter(([names]) => names.length === 0)).toEqual([])
      asked.mockRestore()
    })

    test('a topic that was deleted and created again is another log', async () => {
      await admin.deleteTopics({ topics: [nameOf('ledger.parked')] })
      const again = await openedAt(kafka.broker.address, prefix)
      expect(again.identity).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
      )
      expect(again.identity).not.toBe(log.identity)
      await again.close()
    })

    test('a broker that is not there is an error that another try may not meet', async () => {
      const nowhere = openedAt('127.0.0.1:1', prefix)
      await expect(nowhere).rejects.toMatchObject({
        code: 'SALDO_LOG_UNAVAILABLE',
        retryable: true,
      })
    })
  })
})
