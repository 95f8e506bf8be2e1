/** What producers of Java's own client wrote, read by us and, as the judge, by Java's own consumer. */
import fc from 'fast-check'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TopicName } from '../../schemas/topics.ts'
import { kafkaClient } from '../../topology/log/kafka-cluster.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import type { StoredRecord } from '../../topology/log/log.ts'
import { NO_LIMIT, place, readAll, texts } from '../contracts/log-records.ts'
import { readCommittedByJava, type JavaPartition } from '../support/java-consumer.ts'
import { writeByJava } from '../support/java-writers.ts'
import { describeKafka } from '../support/kafka.ts'

const ONE_BY_ONE = { records: 1, bytes: 1 }
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const WRITERS = ['one', 'two', 'three', 'four'] as const
const LARGE = 'x'.repeat(100_000)
const interleaved = 'ledger.events'
const alternating = 'ledger.outcomes'
const packed = 'ledger.parked'
const compacted = 'ledger.dead-letters'

/** Transactions of several writers on two partitions, begun and ended in each other's midst. */
function interleaving(topic: string): readonly string[] {
  const step = fc.record({
    writer: fc.constantFrom(...WRITERS),
    partition: fc.constantFrom(0, 1),
    what: fc.constantFrom('send', 'send', 'send', 'commit', 'abort'),
  })
  const script: string[] = []
  const open = new Set<string>()
  for (const [n, { writer, partition, what }] of fc
    .sample(step, { seed: 20_260_314, numRuns: 120 })
    .entries()) {
    if (what !== 'send') {
      if (open.delete(writer)) script.push(`${what} ${writer}`)
      continue
    }
    if (!open.has(writer)) script.push(`begin ${writer}`)
    open.add(writer)
    script.push(`send ${writer} ${topic} ${partition} key ${writer}-${n}`)
    if (n % 10 === 0) script.push(`send none ${topic} ${partition} key plain-${n}`)
  }
  return [...script, ...[...open].map((writer) => `abort ${writer}`)]
}

describeKafka('what others wrote', (kafka) => {
  const names = kafkaNames(kafka.prefix)
  let log: KafkaLog
  let byJava: ReadonlyMap<string, readonly JavaPartition[]>

  beforeAll(async () => {
    const brokers = [kafka.broker.address]
    log = await kafkaLog({ brokers, partitions: 2, role: 'test', prefix: kafka.prefix })
    await configure(brokers, names.topic(packed), { 'compression.type': 'producer' })
    await configure(brokers, names.topic(compacted), {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.0001',
      'segment.ms': '1',
    })
    const events = names.topic(interleaved)
    const turns = ['abort', 'commit', 'abort', 'abort', 'commit', 'abort']
    await writeByJava(brokers, [
      ...CODECS.map((codec) => `open ${codec} ${codec}`),
      ...WRITERS.map((writer) => `open ${writer} lz4 ${kafka.prefix}${writer}`),
      ...interleaving(events),
      ...turns.flatMap((end, n) => [
        'begin one',
        `send one ${names.topic(alternating)} 0 key ${end}-${n}`,
        `${end} one`,
      ]),
      ...CODECS.map((codec) => {
        const values = Array.from({ length: 20 }, (_, n) => `${codec}-${n}`)
        return `send ${codec} ${names.topic(packed)} 0 key ${values.join(',')}`
      }),
      // The last batch of a producer stays for its number, whatever becomes of its records. What follows on the emptied
      // ones is larger than a fetch, which then brings nothing else whole.
      ...CODECS.map((codec) => `send ${codec} ${names.topic(compacted)} 0 key ${codec}`),
      `send none ${names.topic(compacted)} 0 key ${LARGE}`,
      ...CODECS.map((codec) => `send zstd ${names.topic(compacted)} 0 last-${codec} ${codec}`),
    ])
    const topicNames = ([interleaved, alternating, packed] as const).map((topic) =>
      names.topic(topic),
    )
    byJava = await readCommittedByJava(brokers, topicNames)
  })
  afterAll(() => log.close())

  const judged = (topic: TopicName, partition: number): readonly StoredRecord[] =>
    byJava.get(names.topic(topic))?.[partition]?.records ?? []

  test.for([0, 1])(
    'of transactions that interleave the committed records are read, in partition %i as Java reads it',
    async (partition) => {
      const expected = judged(interleaved, partition)
      expect(new Set(texts(expected).map((text) => text.split('-')[0])).size).toBeGreaterThan(3)
      expect(await readAll(log, place(interleaved, partition), NO_LIMIT)).toEqual(expected)
      expect(await readAll(log, place(interleaved, partition), ONE_BY_ONE)).toEqual(expected)
    },
  )

  test('of one writer that aborts and commits in turn what it committed is read', async () => {
    const expected = judged(alternating, 0)
    expect(texts(expected)).toEqual(['commit-1', 'commit-4'])
    expect(await readAll(log, place(alternating), NO_LIMIT)).toEqual(expected)
    expect(await readAll(log, place(alternating), ONE_BY_ONE)).toEqual(expected)
  })

  test('what Java packed with gzip, snappy, lz4 and zstd is read', async () => {
    const expected = judged(packed, 0)
    expect(expected).toHaveLength(20 * CODECS.length)
    expect(await readAll(log, place(packed))).toEqual(expected)
  })

  test('a batch that compaction has emptied is passed', async () => {
    const at = place(compacted)
    const first = async () => texts((await log.read(at, 0n, NO_LIMIT)).records)[0]
    const never = new AbortController().signal
    // The cleaner comes when it comes; nothing arrives behind the end, so this only passes time.
    while ((await first()) !== LARGE) await log.arrival(at, await log.end(at), never)
    const rest = await readAll(log, at, ONE_BY_ONE)
    expect(texts(rest)).toEqual([LARGE, ...CODECS])
  })
})

async function configure(
  brokers: readonly string[],
  name: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const admin = kafkaClient({ brokers, clientId: 'test-operator' }).admin()
  await admin.connect()
  try {
    const configEntries = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries }]
    await admin.alterConfigs({ validateOnly: false, resources })
  } finally {
    await admin.disconnect()
  }
}
