import type { Leases } from './leases.ts'

/** One member that owns every partition: tests, and anything that runs the loop by hand. */
export function memoryLeases(): Leases {
  return {
    join(_group, partitions, work) {
      const stop = new AbortController()
      const numbers = Array.from({ length: partitions }, (_, partition) => partition)
      const ended = Promise.all(numbers.map((partition) => work(partition, stop.signal))).then(
        () => undefined,
      )
      return {
        ended,
        owned: () => (stop.signal.aborted ? [] : numbers),
        async leave() {
          stop.abort()
          await ended.catch(() => undefined)
        },
      }
    },
  }
}
