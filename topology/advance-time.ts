/**
 * One pass a day over all ledgers: each is told by a command that the day has ended.
 *
 * Invariant: a ledger gets the same command id for the same instant, whoever sends it and how often: a repetition is a
 * duplicate. So a pass that was cut off goes on where it was last noted, and two clocks at once do no harm.
 */
import { hash } from 'node:crypto'
import { commandCodec } from '../schemas/codec.ts'
import { uuidFromHex } from '../schemas/ids.ts'
import { partitionOf } from '../schemas/partition.ts'
import type { ClockProgress, ClockStore } from '../sink/clock-store.ts'
import type { NewRecord, Producer } from './log/log.ts'

const DAY_MS = 86_400_000
/** The log's clock may be behind ours, and it refuses what lies ahead of it. */
const MARGIN_MS = 60_000
const LEDGERS_PER_BATCH = 500

/** The last midnight in UTC that every clock has passed. */
export function lastMidnight(now: number): number {
  return Math.floor((now - MARGIN_MS) / DAY_MS) * DAY_MS
}

/** Where the pass that is due now stands; undefined when there is none. Days that were missed are one pass. */
export function duePass(
  progress: ClockProgress | undefined,
  now: number,
): ClockProgress | undefined {
  const until = lastMidnight(now)
  if (progress === undefined || progress.until < until)
    return { until, afterUser: '', finished: false }
  return progress.finished ? undefined : progress
}

/** Tells the next ledgers, and notes it once that is durable. Gives how many were told. */
export async function tellSome(
  { until, afterUser }: ClockProgress,
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
  const ledgers = await store.ledgersAfter(afterUser, LEDGERS_PER_BATCH)
  const told = ledgers.filter(({ erased }) => !erased)
  await producer.append(told.map(({ userId }) => advanceTime(userId, until, { partitions, now })))
  await store.move({
    until,
    afterUser: ledgers.at(-1)?.userId ?? afterUser,
    finished: ledgers.length < LEDGERS_PER_BATCH,
  })
  return told.length
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
