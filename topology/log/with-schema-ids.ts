/**
 * A log whose records carry the ids of a schema registry, seen by an engine that knows its own ids.
 *
 * Invariant: nothing but the four bytes of the id differs between the two sides.
 */
import { idTranslation, type SchemaIds } from '../../schemas/schema-ids.ts'
import type { KafkaLog } from './kafka-log.ts'
import type { NewRecord, Slice } from './log.ts'

/** A log of plain objects and functions: what else they can do passes through. */
export function withSchemaIds(log: KafkaLog, ids: SchemaIds): KafkaLog {
  const translation = idTranslation(ids)
  const written = (records: readonly NewRecord[]): readonly NewRecord[] =>
    records.map((record) => ({ ...record, value: translation.outward(record.value) }))
  const known = (slice: Slice): Slice => ({
    ...slice,
    records: slice.records.map((record) => ({
      ...record,
      value: translation.inward(record.value),
    })),
  })
  return {
    ...log,
    producer(options) {
      const producer = log.producer(options)
      return { ...producer, append: (records) => producer.append(written(records)) }
    },
    async acquire(place) {
      const lease = await log.acquire(place)
      return {
        ...lease,
        commit: (records, nextOffset) => lease.commit(written(records), nextOffset),
      }
    },
    reread: translation.inward,
    read: async (place, offset, limit) => known(await log.read(place, offset, limit)),
  }
}
