/** The outbox in memory, with a way to see what became of a row. */
import type { OutboxKey, OutboxRow, OutboxStore } from '../../sink/outbox-store.ts'

export type StoredOutboxRow = OutboxRow & {
  readonly partition: number
  processed: boolean
  attempts: number
  lastError: string | null
}

export type MemoryOutbox = OutboxStore & {
  readonly rows: StoredOutboxRow[]
  /** Everything asked of it from now on fails, as of a process that has ended. */
  crash(): void
  /** Another one over the same rows. */
  reopen(): MemoryOutbox
}

export function memoryOutbox(rows: StoredOutboxRow[] = []): MemoryOutbox {
  let dead = false
  const alive = async (): Promise<void> => {
    if (dead) throw new Error('this process has ended')
    await Promise.resolve()
  }
  const matching = (partition: number, keys: readonly OutboxKey[]): readonly StoredOutboxRow[] =>
    rows.filter(
      (row) =>
        row.partition === partition &&
        !row.processed &&
        keys.some((key) => compare(key, row) === 0),
    )
  return {
    rows,
    crash() {
      dead = true
    },
    reopen: () => memoryOutbox(rows),
    async partitions() {
      await alive()
      return new Set(rows.filter(({ processed }) => !processed).map(({ partition }) => partition))
    },
    async unprocessed(partition, { exceptUsers, limit }) {
      await alive()
      return rows
        .filter((row) => row.partition === partition && !row.processed)
        .filter(({ userId }) => !exceptUsers.includes(userId))
        .toSorted(compare)
        .slice(0, limit)
        .map((row) => ({ ...row }))
    },
    async processed(partition, keys) {
      await alive()
      for (const row of matching(partition, keys)) row.processed = true
    },
    async failed(partition, keys, error) {
      await alive()
      for (const row of matching(partition, keys)) {
        row.attempts++
        row.lastError = error
      }
    },
    async waiting(partition) {
      await alive()
      const left = rows.filter((row) => row.partition === partition && !row.processed)
      return { rows: left.length, oldestMs: 0 }
    },
    async forget() {
      await alive()
      return 0
    },
  }
}

function compare(a: OutboxKey, b: OutboxKey): number {
  if (a.sourceOffset !== b.sourceOffset) return a.sourceOffset < b.sourceOffset ? -1 : 1
  if (a.processor !== b.processor) return a.processor < b.processor ? -1 : 1
  return a.index - b.index
}
