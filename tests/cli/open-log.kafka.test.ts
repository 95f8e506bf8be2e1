import { describe, expect, test } from 'vitest'
import { openLog, type LogSource } from '../../cli/open-log.ts'
import { logReadiness } from '../../cli/log-readiness.ts'
import { postgresCheckpointStore } from '../../sink/postgres-checkpoint-store.ts'
import { record } from '../contracts/log-records.ts'
import { describeKafka } from '../support/kafka.ts'
import { withDatabase } from '../support/postgres.ts'

const PARTITIONS = 2

describeKafka('the log that the settings name', (kafka) => {
  const database = withDatabase('postgres')
  const other = withDatabase('postgres')

  const embedded = (databaseUrl = database.url): LogSource => {
    return { databaseUrl, partitions: PARTITIONS, kafka: undefined }
  }
  const onKafka = (prefix = kafka.prefix, databaseUrl = database.url): LogSource => {
    const { address } = kafka.broker
    return { databaseUrl, partitions: PARTITIONS, kafka: { brokers: [address], prefix } }
  }

  /** What the first owner of a partition does. */
  async function makeCheckpoints({ databaseUrl }: LogSource, identity: string): Promise<void> {
    const store = postgresCheckpointStore(databaseUrl, 'test', 1)
    await store.takeOver(0, identity)
    await store.close()
  }

  test('is on Kafka or in the database, and each is found again', async () => {
    for (const source of [onKafka(), embedded(other.url)]) {
      const first = await openLog(source, { role: 'test' })
      await makeCheckpoints(source, first.identity)
      await first.close()
      const again = await openLog(source, { role: 'test' })
      expect(again).toMatchObject({ identity: first.identity, partitions: PARTITIONS })
      expect(await logReadiness(again)()).toEqual({ name: 'log', ready: true })
      await again.close()
    }
  })

  describe('is refused', () => {
    test('without the brokers that hold it', async () => {
      await expect(openLog(embedded(), { role: 'test' })).rejects.toMatchObject({
        code: 'SALDO_LOG_MISMATCH',
        message: expect.stringContaining('set KAFKA_BROKERS to the brokers that do'),
      })
    })

    test('when its topics are others', async () => {
      await expect(openLog(onKafka(`${kafka.prefix}2.`), { role: 'test' })).rejects.toMatchObject({
        code: 'SALDO_LOG_MISMATCH',
        message: expect.stringContaining('its topics were created anew, or KAFKA_BROKERS'),
      })
    })

    test('on Kafka where the database holds records of its own', async () => {
      const source = embedded(other.url)
      const own = await openLog(source, { role: 'test' })
      await own.producer().append([record('a', 'ledger.commands')])
      await own.close()
      const { databaseUrl } = source
      await expect(
        openLog(onKafka(`${kafka.prefix}3.`, databaseUrl), { role: 'test' }),
      ).rejects.toMatchObject({
        code: 'SALDO_LOG_MISMATCH',
        message: expect.stringContaining('start on Kafka with a new data folder (SALDO_DATA_DIR)'),
      })
    })
  })
})
