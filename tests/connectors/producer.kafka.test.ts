import { expect, test } from 'vitest'
import { producer } from '../../connectors/producer.ts'
import { commandCodec, schemaIdOf } from '../../schemas/codec.ts'
import { registeredIds } from '../../schemas/registered-ids.ts'
import { kafkaLog } from '../../topology/log/kafka-log.ts'
import { readAll } from '../contracts/log-records.ts'
import { describeKafka } from '../support/kafka.ts'
import { memoryRegistry } from '../support/memory-registry.ts'

describeKafka('a producer', (kafka) => {
  test('with a registry writes its ids, and without one those of the files', async () => {
    const { prefix } = kafka
    const brokers = [kafka.broker.address]
    const log = await kafkaLog({ brokers, prefix, partitions: 1, role: 'test' })
    const registry = await memoryRegistry()
    try {
      const { outward } = await registeredIds(registry, { prefix })
      for (const more of [{ registry }, {}]) {
        const commands = await producer({ kafka: { brokers, prefix, ...more } })
        const account = { accountId: 'main', kind: 'checking', currency: 'NOK' } as const
        await commands.send({ userId: 'u-1', body: { type: 'OpenAccount', ...account } })
        await commands.close()
      }
      const records = await readAll(log, { topic: 'ledger.commands', partition: 0 })
      const { schemaId } = commandCodec
      const ids = records.map(({ value }) => schemaIdOf(value))
      expect(ids).toEqual([new Map(outward).get(schemaId), schemaId])
    } finally {
      await registry.close()
      await log.close()
    }
  })
})
