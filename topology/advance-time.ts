/**
 * A day has ended: each ledger is told by a command, soon after midnight in its user's time zone.
 *
 * One pass for each instant that is midnight somewhere: zones that share it are told together, one after the other in
 * the order of the instants. A ledger gets the same command id for the same instant, whoever sends it and how often: a
 * repetition is a duplicate. So a pass that was cut off goes on where it was last noted, and two clocks at once do no
 * harm. Who moves to another zone may be told of one day less, and the next command covers it.
 */
import { hash } from 'node:crypto'
import { defaultPreferences } from '../actors/profile/profile.ts'
import { dayStartOf } from '../actors/transaction/booking-date.ts'
import { commandCodec } from '../schemas/codec.ts'
import { uuidFromHex } from '../schemas/ids.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { ClockProgress, ClockStore } from '../sink/clock-store.ts'
import type { NewRecord, Producer } from './log/log.ts'

/** The log's clock may be behind ours, and it refuses what lies ahead of it. */
const MARGIN_MS = 60_000
const LEDGERS_PER_BATCH = 500

/** The last midnight in a time zone that every clock has passed. */
export function lastMidnight(now: number, timeZone: string): number {
  const certain = now - MARGIN_MS
  try {
    return dayStartOf(certain, timeZone)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // A zone that only a newer release knows.
    return dayStartOf(certain, defaultPreferences.timeZone)
  }
}

/** A pass over the ledgers of some zones, and how far it has come. */
export type Pass = ClockProgress & { readonly zones: readonly string[] }

/**
 * The pass that is due now: of the midnights that are not told of, the earliest. Undefined when there is none. Of days
 * that were missed only the last one counts. `timeZones` are those that users have set.
 */
export function duePass(
  progress: ClockProgress | undefined,
  timeZones: readonly string[],
  now: number,
): Pass | undefined {
  const zones = new Set([defaultPreferences.timeZone, ...timeZones])
  const byMidnight = Map.groupBy(zones, (timeZone) => lastMidnight(now, timeZone))
  for (const [until, zones] of [...byMidnight].toSorted(([a], [b]) => a - b)) {
    if (progress === undefined || progress.until < until)
      return { until, afterUser: '', finished: false, zones }
    if (progress.until === until && !progress.finished) return { ...progress, zones }
  }
  return undefined
}

/** Tells the next ledgers, and notes it once that is durable. Gives how many were told. */
export async function tellSome(
  { until, afterUser, zones }: Pass,
  {
    store,
    producer,
    partitions,
    now,
  }: {
    readonly store: ClockStore
    readonly producer: Producer
    readonly partitions: number
    readonly now: number
  },
): Promise<number> {
  const unset = zones.includes(defaultPreferences.timeZone)
  const { userIds, through } = await store.ledgersAfter(
    afterUser,
    { zones, unset },
    LEDGERS_PER_BATCH,
  )
  await producer.append(userIds.map((userId) => advanceTime(userId, until, { partitions, now })))
  const finished = through === undefined
  await store.move({ until, afterUser: through ?? userIds.at(-1) ?? afterUser, finished })
  return userIds.length
}

function advanceTime(
  userId: string,
  until: number,
  { partitions, now }: { readonly partitions: number; readonly now: number },
): NewRecord {
  const key = Buffer.from(userId)
  const value = commandCodec.encode({
    commandId: uuidFromHex(hash('sha256', `saldo advance time\n${userId}\n${until}`, 'hex')),
    userId,
    issuedAt: now,
    expectedVersion: null,
    initiator: { kind: 'system', id: 'clock' },
    traceparent: null,
    body: { type: 'AdvanceTime', until },
  })
  return { topic: 'ledger.commands', partition: partitionOf(key, partitions), key, value }
}
