import type { Log } from '../topology/log/log.ts'
import { readPositions } from '../sink/positions.ts'

/** Resolves when everything that is in the commands now is decided and shows in the tables, or when `stop` fires. */
export async function waitUntilProcessed(
  log: Log,
  url: string,
  group: string,
  stop: AbortSignal,
): Promise<void> {
  const partitions = Array.from({ length: log.partitions }, (_, partition) => partition)
  const goals = await Promise.all(
    partitions.map((partition) => log.end({ topic: 'ledger.commands', partition })),
  )
  while (!stop.aborted) {
    const behind = await behindOf(log, url, group, partitions, goals)
    if (behind === undefined) return
    // Woken by the next commit of that partition, or by the poll that every arrival has.
    await log.arrival(behind.place, behind.end, stop)
  }
}

async function behindOf(
  log: Log,
  url: string,
  group: string,
  partitions: readonly number[],
  goals: readonly bigint[],
): Promise<
  | { readonly place: { topic: 'ledger.outcomes'; partition: number }; readonly end: bigint }
  | undefined
> {
  const positions = await readPositions(url, group)
  for (const partition of partitions) {
    const place = { topic: 'ledger.outcomes', partition } as const
    const events = await log.end({ topic: 'ledger.events', partition })
    const end = await log.end(place)
    const decided = (positions.committed.get(partition) ?? 0n) >= (goals[partition] ?? 0n)
    const tabled = (positions.tables.get(partition) ?? 0n) >= events
    const answered = (positions.outcomes.get(partition) ?? 0n) >= end
    if (!decided || !tabled || !answered) return { place, end }
  }
  return undefined
}
