import type { TopicName } from '../../schemas/topics.ts'
import { kafkaNames } from '../../topology/log/kafka-names.ts'
import { readCommittedByJava } from '../support/java-consumer.ts'
import type { Witness } from './witness.ts'

const TOPICS: readonly TopicName[] = [
  'ledger.commands',
  'ledger.events',
  'ledger.outcomes',
  'ledger.dead-letters',
]

/** A read_committed consumer of the Java client: nothing of ours decides what is committed. */
export async function javaWitness(
  brokers: readonly string[],
  prefix: string,
  /** From the ids of a registry to ours. */
  inward: (value: Buffer) => Buffer = (value) => value,
): Promise<Witness> {
  const names = kafkaNames(prefix)
  const found = await readCommittedByJava(
    brokers,
    TOPICS.map((topic) => names.topic(topic)),
  )
  const partitionOf = (topic: TopicName, partition: number) => {
    const one = found.get(names.topic(topic))?.[partition]
    if (one === undefined) throw new Error(`Java's consumer found no ${topic}/${partition}`)
    return one
  }
  return {
    async *records(topic, partition) {
      const { records } = partitionOf(topic, partition)
      yield* records.map((record) => ({ ...record, value: inward(record.value) }))
    },
    end: (topic, partition) => Promise.resolve(Number(partitionOf(topic, partition).end)),
    findings: [...found].flatMap(([topic, partitions]) =>
      partitions.flatMap(({ end, highest }, partition) =>
        end === highest ? [] : [`a transaction is open in ${topic}/${partition} from ${end} on`],
      ),
    ),
  }
}
