/** A log that ends, for its reader, where somebody says: nothing behind that is read before the end is moved. */
import type { Log, Place, Slice } from './log.ts'

export type BoundedLog = Log & {
  /** By partition. Never beyond the committed end. */
  moveEnds(ends: readonly bigint[]): void
}

export function boundedLog(log: Log, initial: readonly bigint[]): BoundedLog {
  let ends = initial
  let moved = Promise.withResolvers<void>()
  const endOf = ({ partition }: Place): bigint => ends[partition] ?? 0n
  return {
    ...log,
    end: (place) => Promise.resolve(endOf(place)),
    async read(place, offset, limit): Promise<Slice> {
      const end = endOf(place)
      if (offset >= end) return { records: [], next: offset, end }
      const { records, next } = await log.read(place, offset, limit)
      return {
        records: records.filter((record) => record.offset < end),
        next: next < end ? next : end,
        end,
      }
    },
    async arrival(place, offset, signal) {
      if (offset < endOf(place) || signal.aborted) return
      const aborted = Promise.withResolvers<void>()
      const onAbort = (): void => aborted.resolve()
      signal.addEventListener('abort', onAbort, { once: true })
      await Promise.race([moved.promise, aborted.promise])
      signal.removeEventListener('abort', onAbort)
    },
    moveEnds(to) {
      ends = to
      moved.resolve()
      moved = Promise.withResolvers<void>()
    },
  }
}
