import { expect, test } from 'vitest'
import { kafkaLog } from '../../topology/log/kafka-log.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import { END_TXN, kafkaProxy } from './kafka-proxy.ts'
import { readCommittedByJava } from './java-consumer.ts'
import { describeKafka } from './kafka.ts'

const place = { topic: 'ledger.commands', partition: 1, group: 'saldo.actors' } as const
const record = (text: string) => ({
  topic: 'ledger.events' as const,
  partition: 1,
  key: Buffer.from('user'),
  value: Buffer.from(text),
})

describeKafka("Java's consumer", (kafka) => {
  test('sees what was committed, nothing that was not, and that a transaction is open', async () => {
    const proxy = await kafkaProxy({ targets: [kafka.broker.address] })
    const log = await kafkaLog({
      brokers: [proxy.address],
      partitions: 2,
      role: 'test',
      prefix: kafka.prefix,
    })
    const topic = kafkaNames(kafka.prefix).topic('ledger.events')
    const seen = async () => {
      const found = await readCommittedByJava([kafka.broker.address], [topic])
      return found.get(topic)?.map(({ start, end, highest, records }) => ({
        start,
        open: highest - end,
        texts: records.map(({ value }) => value.toString()),
      }))
    }
    const none = { start: 0n, open: 0n, texts: [] }
    try {
      const lease = await log.acquire(place)
      await lease.commit([record('one'), record('two')], 1n)
      proxy.lose(END_TXN, 'request')
      await expect(lease.commit([record('never')], 2n)).rejects.toThrow()
      expect(await seen()).toEqual([none, { start: 0n, open: 1n, texts: ['one', 'two'] }])
      const next = await log.acquire(place)
      await next.commit([record('three')], 2n)
      expect(await seen()).toEqual([none, { start: 0n, open: 0n, texts: ['one', 'two', 'three'] }])
    } finally {
      await log.close()
      await proxy.close()
    }
  })
})
