import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { StoredRecord } from '../../topology/log/log.ts'
import { startJava } from './java-program.ts'

/** One partition of a topic, as a read_committed consumer of the Java client sees it. */
export type JavaPartition = {
  /** First offset that is kept. */
  readonly start: bigint
  /** End of what is committed. */
  readonly end: bigint
  /** End of everything; beyond `end` while a transaction is open. */
  readonly highest: bigint
  readonly records: readonly StoredRecord[]
}

/** Partitions by topic (its full name, with a prefix if it has one) and number: everything that is committed there now. */
export async function readCommittedByJava(
  brokers: readonly string[],
  topics: readonly string[],
): Promise<ReadonlyMap<string, readonly JavaPartition[]>> {
  const java = await startJava('ReadCommitted', [brokers.join(','), ...topics])
  const ended = once(java, 'close')
  const found = new Map<string, (JavaPartition & { records: StoredRecord[] })[]>(
    topics.map((topic) => [topic, []]),
  )
  for await (const line of createInterface({ input: java.stdout })) {
    const [kind, topic = '', partition, ...fields] = line.split(' ')
    const partitions = found.get(topic)
    if (kind === 'end') {
      const [start = '', end = '', highest = ''] = fields
      const [at, stable, all] = [BigInt(start), BigInt(end), BigInt(highest)]
      if (partitions !== undefined) {
        partitions[Number(partition)] = { start: at, end: stable, highest: all, records: [] }
      }
    } else if (kind === 'record') {
      const [offset = '', timestamp, key = '-', value = '-'] = fields
      partitions?.[Number(partition)]?.records.push({
        offset: BigInt(offset),
        key: bytesOf(key),
        value: bytesOf(value),
        appendedAt: Number(timestamp),
      })
    }
  }
  const [code] = await ended
  if (code !== 0) throw new Error(`Java's consumer ended with ${String(code)}`)
  return found
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text === '-' ? '' : text, 'base64')
}
