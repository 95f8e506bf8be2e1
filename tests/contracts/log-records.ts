/** Records, places and readers for suites that speak with a log. */
import { expect } from 'vitest'
import { SaldoError, type ErrorCode } from '../../schemas/errors.ts'
import type { TopicName } from '../../schemas/topics.ts'
import type {
  BatchLimit,
  GroupPlace,
  Log,
  NewRecord,
  Place,
  StoredRecord,
} from '../../topology/log/log.ts'

export const LOG_PARTITIONS = 4
export const NO_LIMIT: BatchLimit = { records: 10_000, bytes: 100_000_000 }
export const KEY = Buffer.from('user-1')

export function place(topic: TopicName, partition = 0): Place {
  return { topic, partition }
}

export function groupPlace(partition = 0, group = 'group'): GroupPlace {
  return { group, topic: 'ledger.commands', partition }
}

export function record(text: string, topic: TopicName = 'ledger.events', partition = 0): NewRecord {
  return { topic, partition, key: KEY, value: Buffer.from(text) }
}

export function texts(records: readonly StoredRecord[]): readonly string[] {
  return records.map(({ value }) => value.toString())
}

export async function codeOf(failing: Promise<unknown>): Promise<ErrorCode | 'no error'> {
  try {
    await failing
    return 'no error'
  } catch (error) {
    if (error instanceof SaldoError) return error.code
    throw error
  }
}

/** Every committed record, read as a reader does that goes on from slice to slice. */
export async function readAll(log: Log, at: Place, limit = NO_LIMIT): Promise<StoredRecord[]> {
  const end = await log.end(at)
  const all: StoredRecord[] = []
  for (let position = 0n; position < end;) {
    const slice = await log.read(at, position, limit)
    all.push(...slice.records)
    expect(slice.next).toBeGreaterThan(position)
    position = slice.next
  }
  return all
}
