import { afterAll, beforeAll } from 'vitest'
import { kafkaLog, type KafkaLog } from '../../topology/log/kafka-log.ts'
import { describeLogContract, LOG_PARTITIONS } from '../contracts/log.contract.ts'
import { describeKafka } from '../support/kafka.ts'
import { END_TXN, kafkaProxy, type KafkaProxy } from '../support/kafka-proxy.ts'

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
    const log = await openedAt(`127.0.0.1:${by}`, prefix)
    return {
      log,
      reopen: (partitions) => openedAt(kafka.broker.address, prefix, partitions),
      async loseAnswer(_lease, when, commit) {
        proxy.lose(END_TXN, when === 'after' ? 'answer' : 'request')
        await commit()
      },
      close: () => log.close(),
    }
  })
})
