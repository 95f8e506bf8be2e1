import type { Log, NewRecord } from '../topology/log/log.ts'

const BATCH_RECORDS = 500

/** Collects records and appends them in batches, in order. */
export type Publisher = {
  /** Resolves when there is room for more. */
  publish(record: NewRecord): Promise<void>
  /** Resolves when everything is durable. */
  flush(): Promise<void>
}

export function publisher(log: Log): Publisher {
  const producer = log.producer()
  let batch: NewRecord[] = []
  const flush = async (): Promise<void> => {
    const records = batch
    batch = []
    await producer.append(records)
  }
  return {
    async publish(record) {
      batch.push(record)
      if (batch.length >= BATCH_RECORDS) await flush()
    },
    flush,
  }
}
