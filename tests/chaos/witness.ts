import type { TopicName } from '../../schemas/topics.ts'
import type { Log, StoredRecord } from '../../topology/log/log.ts'

/** Who tells the judge what a log holds. */
export type Witness = {
  /** Everything committed and kept in a partition, in its order. */
  records(topic: TopicName, partition: number): AsyncIterable<StoredRecord>
  /** The committed end of a partition. */
  end(topic: TopicName, partition: number): Promise<number>
  /** What is wrong with the log itself, in sentences. */
  readonly findings: readonly string[]
}

const SLICE = { records: 5_000, bytes: 8_000_000 }

/** The engine's own way to read. */
export function logWitness(log: Log): Witness {
  return {
    async *records(topic, partition) {
      const end = await log.end({ topic, partition })
      for (let position = await log.start({ topic, partition }); position < end;) {
        const { records, next } = await log.read({ topic, partition }, position, SLICE)
        yield* records
        position = next
      }
    },
    end: async (topic, partition) => Number(await log.end({ topic, partition })),
    findings: [],
  }
}
