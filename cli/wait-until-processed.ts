import type { Log, Place } from '../topology/log/log.ts'
import { readPositions } from '../sink/positions.ts'

const ONE_RECORD = { records: 1, bytes: 1 } as const

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
  const positions = await readPositions(url)
  for (const partition of partitions) {
    const commands = { topic: 'ledger.commands', partition } as const
    const events = { topic: 'ledger.events', partition } as const
    const outcomes = { topic: 'ledger.outcomes', partition } as const
    const decided = await log.position({ ...commands, group })
    const end = await log.end(outcomes)
    const isDone =
      (await hasPassed(log, commands, decided, goals[partition] ?? 0n)) &&
      (await hasPassed(log, events, positions.tables.get(partition), await log.end(events))) &&
      (await hasPassed(log, outcomes, positions.outcomes.get(partition), end))
    if (!isDone) return { place: outcomes, end }
  }
  return undefined
}

/** Whether no record is between a position and a goal: offsets jump, so the position may stay before the goal for ever. */
async function hasPassed(
  log: Log,
  place: Place,
  position: bigint | undefined,
  goal: bigint,
): Promise<boolean> {
  const from = position ?? (await log.start(place))
  if (from >= goal) return true
  const [next] = (await log.read(place, from, ONE_RECORD)).records
  return next === undefined || next.offset >= goal
}
