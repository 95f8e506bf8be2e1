/**
 * The log on three brokers. Goal: whatever moves, hangs or dies among them, what was acknowledged is there once and in
 * its order, and owners go on by themselves. The judge beside our own reader is Java's.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { SaldoError } from '../../schemas/errors.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import { groupPlace, place, readAll, record, texts } from '../contracts/log-records.ts'
import { readCommittedByJava } from '../support/java-consumer.ts'
import {
  kafkaLeaders,
  OFFSETS_TOPIC,
  TRANSACTIONS_TOPIC,
  type KafkaLeaders,
} from '../support/kafka-leaders.ts'
import { describeKafkaCluster } from '../support/kafka.ts'
import { appends, commits, numbered, reads } from '../support/log-traffic.ts'

const TIMEOUT_MS = 240_000
// So many of each kind must get through after every change.
const MORE = 5
const EVERYTHING = ['ledger.events', TRANSACTIONS_TOPIC, OFFSETS_TOPIC]

describeKafkaCluster('the log', (kafka) => {
  let log: KafkaLog
  let leaders: KafkaLeaders

  beforeAll(async () => {
    log = await kafkaLog({ brokers: kafka.cluster.addresses, partitions: 4, role: 'test' })
    leaders = await kafkaLeaders(kafka.cluster.addresses)
    // The topics of the coordinators are made for the first who asks, whose commit may be in doubt meanwhile.
    const lease = await log.acquire(groupPlace(3))
    await lease.commit([], 0n).catch((error: unknown) => {
      if (!(error instanceof SaldoError && error.code === 'SALDO_COMMIT_IN_DOUBT')) throw error
    })
  }, TIMEOUT_MS)
  afterAll(async () => {
    await leaders.close()
    await log.close()
  })

  /** Appends to the one partition, commits to and reads from the next one. */
  function traffic(partition: number) {
    const [appended, committed] = [
      place('ledger.events', partition),
      place('ledger.events', partition + 1),
    ]
    const appending = appends(log, appended)
    const committing = commits(log, groupPlace(partition), committed)
    const reading = reads(log, committed)
    return {
      async more(): Promise<void> {
        await Promise.all([appending, committing, reading].map((one) => one.more(MORE)))
      },
      async expectNothingLostOrDoubled(): Promise<void> {
        const appendedTexts = numbered(await appending.end())
        const committedTexts = numbered(await committing.end())
        await reading.more(committedTexts.length - reading.seen.length)
        await reading.end()
        // What is there comes before what was seen of it.
        const topics = await readCommittedByJava(kafka.cluster.addresses, ['ledger.events'])
        const byJava = topics.get('ledger.events') ?? []
        expect(texts(byJava[appended.partition]?.records ?? [])).toEqual(appendedTexts)
        expect(texts(byJava[committed.partition]?.records ?? [])).toEqual(committedTexts)
        expect(texts(await readAll(log, appended))).toEqual(appendedTexts)
        expect(texts(await readAll(log, committed))).toEqual(committedTexts)
        expect(reading.seen).toEqual(committedTexts)
      },
    }
  }

  test(
    'nothing is lost or doubled while leaders and coordinators move',
    { timeout: TIMEOUT_MS },
    async () => {
      const going = traffic(0)
      await going.more()
      for (const topic of EVERYTHING) {
        for (const id of [1, 2, 3]) {
          await leaders.move([topic], id)
          await going.more()
        }
      }
      await going.expectNothingLostOrDoubled()
    },
  )

  test(
    'nothing is lost or doubled when the broker that leads everything hangs, comes back and is killed',
    { timeout: TIMEOUT_MS },
    async () => {
      const { cluster } = kafka
      const going = traffic(2)
      await leaders.move(EVERYTHING, 1)
      await going.more()
      cluster.node(1).pause()
      await going.more()
      cluster.node(1).resume()
      await leaders.replicated(EVERYTHING)
      await leaders.move(EVERYTHING, 1)
      await cluster.node(1).end('SIGKILL')
      await going.more()
      await cluster.node(1).start()
      await leaders.replicated(EVERYTHING)
      await going.more()
      await going.expectNothingLostOrDoubled()
    },
  )

  test(
    'nothing is acknowledged where fewer replicas are in sync than a topic asks for, and everybody goes on afterwards',
    { timeout: TIMEOUT_MS },
    async () => {
      const { cluster } = kafka
      const parked = place('ledger.parked')
      const one = (text: string): NewRecord => record(text, parked.topic)
      await leaders.move([parked.topic, TRANSACTIONS_TOPIC, OFFSETS_TOPIC], 1)
      await leaders.set(parked.topic, 'min.insync.replicas', '3')
      const lease = await log.acquire(groupPlace(0, 'others'))
      await lease.commit([one('a')], 1n)
      cluster.node(3).pause()
      // Whoever is asked may be the one that is held up.
      const isShort = async (): Promise<boolean> =>
        (await leaders.partitions(parked.topic)).every(({ isr }) => isr.length === 2)
      await vi.waitUntil(() => isShort().catch(() => false), { timeout: TIMEOUT_MS })
      const refused = {
        code: 'SALDO_LOG_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining(
          'for ledger.parked/0: fewer replicas are in sync than its min.insync.replicas asks for',
        ),
      }
      await expect(log.producer().append([one('b')])).rejects.toMatchObject(refused)
      await expect(lease.commit([one('c')], 2n)).rejects.toMatchObject(refused)
      const patient = log.producer({ retryForMs: TIMEOUT_MS }).append([one('d')])
      cluster.node(3).resume()
      await patient
      const next = await log.acquire(groupPlace(0, 'others'))
      expect(next.committed).toBe(1n)
      await next.commit([one('e')], 2n)
      expect(texts(await readAll(log, parked))).toEqual(['a', 'd', 'e'])
    },
  )
})
