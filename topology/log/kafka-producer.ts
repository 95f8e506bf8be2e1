import { Partitioners, type Kafka, type Producer as KafkaJsProducer } from 'kafkajs'
import { inRounds } from './kafka-chunks.ts'
import { asLogError } from './kafka-errors.ts'
import type { KafkaNames } from './kafka-names.ts'
import type { NewRecord, Producer } from './log.ts'

/** Appends by kafkajs's idempotent producer, which repeats after a lost connection and stores nothing twice. */
export function kafkaProducer(
  kafka: Kafka,
  names: KafkaNames,
  check: (records: readonly NewRecord[]) => void,
): Producer {
  let current: Promise<KafkaJsProducer> | undefined
  const drop = async (): Promise<void> => {
    const dropped = current
    current = undefined
    await dropped?.then((producer) => producer.disconnect()).catch(() => undefined)
  }
  return {
    async append(records) {
      check(records)
      if (records.length === 0) return
      try {
        const producer = await (current ??= connected(kafka))
        for (const chunks of inRounds(records)) {
          // One request for each partition: kafkajs loses records of a request to several leaders when one of them moves.
          await Promise.all(
            chunks.map(({ topic, partition, records: own }) =>
              producer.send({
                topic: names.topic(topic),
                acks: -1,
                messages: own.map(({ key, value }) => ({ key, value, partition })),
              }),
            ),
          )
        }
      } catch (cause) {
        // It would give the numbers of what failed to what comes next, which the broker would take for a repetition.
        await drop()
        throw asLogError(cause, 'an append failed')
      }
    },
    close: drop,
  }
}

async function connected(kafka: Kafka): Promise<KafkaJsProducer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  return producer
}
