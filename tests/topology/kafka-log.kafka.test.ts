import { afterAll, beforeAll } from 'vitest'
import { kafkaClient } from '../../topology/log/kafka-cluster.ts'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import { describeLogContract, LOG_PARTITIONS } from '../contracts/log.contract.ts'
import { describeKafka } from '../support/kafka.ts'
import { END_TXN, kafkaProxy, type KafkaProxy } from '../support/kafka-proxy.ts'

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
    const { address: target, by: port } = kafka.broker.behind
    proxy = await kafkaProxy({ port, target })
  })
  afterAll(() => proxy.close())

  const openedAt = (
    brokers: string,
    prefix: string,
    partitions = LOG_PARTITIONS,
  ): Promise<KafkaLog> => kafkaLog({ brokers: [brokers], partitions, role: 'test', prefix })

  describeLogContract('keeps what every log promises', async () => {
    const prefix = `contract-${++opened}.`
    const { by } = kafka.broker.behind
    const brokers = [`127.0.0.1:${by}`]
    const log = await openedAt(`127.0.0.1:${by}`, prefix)
    return {
      log,
      reopen: (partitions) => openedAt(kafka.broker.address, prefix, partitions),
      async loseAnswer(_lease, when, commit) {
        proxy.lose(END_TXN, when === 'after' ? 'answer' : 'request')
        await commit()
      },
      remove: (topic) => removeAll(brokers, kafkaNames(prefix).topic(topic)),
      close: () => log.close(),
    }
  })
})
