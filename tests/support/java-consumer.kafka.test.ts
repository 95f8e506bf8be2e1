import { expect, test } from 'vitest'
import { kafkaLog } from '../../topology/log/kafka-log.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import { END_TXN, kafkaProxy } from './kafka-proxy.ts'
import { readCommittedByJava } from './java-consumer.ts'
import { describeKafka } from './kafka.ts'

const PREFIX = 'judged.'
const place = { topic: 'ledger.commands', partition: 1, group: 'saldo.actors' } as const
const record = (text: string) => ({
  topic: 'ledger.events' as const,
  partition: 1,
  key: Buffer.from('user'),
  value: Buffer.from(text),
})

describeKafka("Java's consumer", (kafka) => {
  test('sees what was committed, nothing that was not, and that a transaction is open', async () => {
    const { address: target, by: port } = kafka.broker.behind
    const proxy = await kafkaProxy({ port, target })
    const log = await kafkaLog({
      brokers: [`127.0.0.1:${port}`],
      partitions: 2,
      role: 'test',
      prefix: PREFIX,
    })
    const topic = kafkaNames(PREFIX).topic('ledger.events')
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
