import { topics } from '../../schemas/topics.ts'
import type { NewRecord } from './log.ts'
import { byteaArray, int2Array, int4Array } from './postgres-binary.ts'

/** The parallel arrays that `log_insert` takes: topics, partitions, ordinals within (topic, partition), keys, values. */
export function recordArrays(records: readonly NewRecord[]): readonly Buffer[] {
  const counts = new Map<number, number>()
  const ordinals: number[] = []
  for (const { topic, partition } of records) {
    const place = topics[topic].topicId * 65_536 + partition
    const count = counts.get(place) ?? 0
    ordinals.push(count)
    counts.set(place, count + 1)
  }
  return [
    int2Array(records.map(({ topic }) => topics[topic].topicId)),
    int4Array(records.map(({ partition }) => partition)),
    int4Array(ordinals),
    byteaArray(records.map(({ key }) => key)),
    byteaArray(records.map(({ value }) => value)),
  ]
}
