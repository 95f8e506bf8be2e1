import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeBatch } from '../../topology/log/kafka-encode.ts'
import { leaderOf, openCluster, type WireCluster } from '../../topology/log/kafka-cluster.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import { whileMoving } from '../../topology/log/kafka-patience.ts'
import { produceTo } from '../../topology/log/kafka-produce.ts'
import type { Identity } from '../../topology/log/kafka-transaction-parts.ts'
import { groupPlace, NO_LIMIT, place, record, texts } from '../contracts/log-records.ts'
import { describeOwnKafka } from '../support/kafka.ts'

const events = place('ledger.events')
const commands = groupPlace()
/** The same partition for somebody else. */
const others = groupPlace(0, 'others')
const names = kafkaNames('')
const PATIENCE_MS = 30_000
// Without it a broker takes no record of a transaction that its coordinator does not know, which is how to make one.
const settings = { 'transaction.partition.verification.enable': 'false' }

describeOwnKafka(
  'a take-over',
  (kafka) => {
    let log: KafkaLog
    let cluster: WireCluster

    beforeAll(async () => {
      const brokers = [kafka.broker.address]
      log = await kafkaLog({ brokers, partitions: 2, role: 'test' })
      cluster = openCluster({ brokers, clientId: 'test' })
      await cluster.connect()
      await cluster.addMultipleTargetTopics(names.topics)
    })
    afterAll(async () => {
      await log.close()
      await cluster.disconnect()
    })

    const owner = (of = commands): Promise<Identity> =>
      whileMoving(Date.now() + PATIENCE_MS, async () => {
        const transactionalId = names.transactionalId(of)
        const broker = await coordinator(transactionalId)
        const asked = { transactionalId, transactionTimeout: 15_000 }
        return { transactionalId, ...(await broker.initProducerId(asked)) }
      })
    const coordinator = (transactionalId: string) =>
      cluster.findGroupCoordinator({ groupId: transactionalId, coordinatorType: 1 })
    const end = async (identity: Identity, isCommit: boolean, ...written: readonly string[]) => {
      const broker = await coordinator(identity.transactionalId)
      const topics = [{ topic: names.topic(events.topic), partitions: [events.partition] }]
      await broker.addPartitionsToTxn({ ...identity, topics })
      for (const [sequence, text] of written.entries()) await write(identity, sequence, text)
      await broker.endTxn({ ...identity, transactionResult: isCommit })
    }
    /** Of a transaction that is over for its coordinator, it is as one whose markers were never written. */
    const write = async (identity: Identity, sequence: number, text: string): Promise<void> => {
      const { producerEpoch, producerId, transactionalId } = identity
      const topic = names.topic(events.topic)
      const { partition } = events
      const batch = encodeBatch([record(text)], {
        producerId: BigInt(producerId),
        producerEpoch,
        sequence,
        isTransactional: true,
        time: 0,
      })
      const { connectionPool } = await leaderOf(cluster, topic, partition)
      const options = { transactionalId, timeoutMs: 1_000 }
      const [produced] = await produceTo(connectionPool, [{ topic, partition, batch }], options)
      expect(produced?.errorCode).toBe(0)
    }
    /** Its marker is written. */
    const ended = async (offset: bigint): Promise<void> => {
      while ((await log.end(events)) < offset) {
        await log.arrival(events, offset, new AbortController().signal)
      }
    }
    /** As with `write`, the marker was never written. */
    const move = async (identity: Identity, offset: string): Promise<void> => {
      const groupId = names.group(others.group)
      const broker = await cluster.findGroupCoordinator({ groupId, coordinatorType: 0 })
      const topics = [
        { topic: names.topic(others.topic), partitions: [{ partition: others.partition, offset }] },
      ]
      await broker.txnOffsetCommit({ ...identity, groupId, topics })
    }
    const seen = async (): Promise<readonly string[]> =>
      texts((await log.read(events, 0n, NO_LIMIT)).records)

    describe('that finds records without a marker', () => {
      test('commits them where their transaction was committed, before it answers', async () => {
        const before = await owner()
        await end(before, true, 'one')
        await ended(2n)
        await write(before, 1, 'two')
        expect(await seen()).toEqual(['one'])
        await log.acquire(commands)
        expect(await seen()).toEqual(['one', 'two'])
      })

      test('aborts them where it was aborted, so that the next commit is its own', async () => {
        const before = await owner()
        await end(before, false, 'never')
        await ended(6n)
        await write(before, 1, 'never either')
        const next = await log.acquire(commands)
        await next.commit([record('three')], 2n)
        expect(await seen()).toEqual(['one', 'two', 'three'])
      })

      test('refuses where nobody knows, again and again', async () => {
        await write(await owner(), 0, 'never')
        const refused = { code: 'SALDO_LOG_UNAVAILABLE', retryable: true }
        await expect(log.acquire(commands)).rejects.toMatchObject(refused)
        await expect(log.acquire(commands)).rejects.toMatchObject(refused)
      })
    })

    describe('that finds an offset without a marker', () => {
      test('commits it where its transaction was committed, before it answers', async () => {
        const before = await owner(others)
        await end(before, true, 'one')
        await move(before, '5')
        const next = await log.acquire(others)
        expect(next.committed).toBe(5n)
        await next.commit([], 6n)
        expect((await log.acquire(others)).committed).toBe(6n)
      })

      test('aborts it where it was aborted', async () => {
        const before = await owner(others)
        await end(before, false, 'never')
        await move(before, '7')
        expect((await log.acquire(others)).committed).toBe(6n)
      })

      test('says soon that nobody knows where nobody does', async () => {
        await move(await owner(others), '8')
        await expect(log.acquire(others)).rejects.toMatchObject({
          code: 'SALDO_LOG_UNAVAILABLE',
          retryable: true,
          message: expect.stringMatching(/^the offset of others in partition 0 waits for the end/),
        })
      })
    })
  },
  { settings },
)
