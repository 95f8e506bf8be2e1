import type { OutboxStore } from '../sink/outbox-store.ts'

/** Sooner than a relay comes back, so that no row waits for two looks. */
const LOOK_MS = 400

/**
 * One look into the outbox for the relays of all partitions of a process: most of the time there is nothing in it, and
 * a question for each partition would be most of what an idle process does.
 */
export function sharedOutbox(store: OutboxStore, now: () => number): OutboxStore {
  let look: { readonly at: number; readonly found: Promise<ReadonlySet<number>> } | undefined
  const holds = async (partition: number): Promise<boolean> => {
    if (look === undefined || now() - look.at >= LOOK_MS) {
      look = { at: now(), found: store.partitions() }
    }
    return (await look.found).has(partition)
  }
  return {
    ...store,
    async unprocessed(partition, wanted) {
      return (await holds(partition)) ? store.unprocessed(partition, wanted) : []
    },
    async waiting(partition) {
      return (await holds(partition)) ? store.waiting(partition) : { rows: 0, oldestMs: 0 }
    },
  }
}
