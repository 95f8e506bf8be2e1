import { SaldoError } from '../schemas/errors.ts'
import type { CheckpointProgress } from '../sink/checkpoint-store.ts'
import { lastBefore } from './last-before.ts'
import type { Log } from './log/log.ts'
import { decodeEvent } from './restore.ts'

/**
 * Checkpoints may be older than the log, never newer, and the last event in them is one of the log's: otherwise the log
 * was restored from an older copy, and commands would be decided on states that it knows nothing of.
 */
export async function checkCheckpoint(
  log: Log,
  partition: number,
  { eventsOffset, lastEventId }: CheckpointProgress,
  end: bigint,
): Promise<void> {
  const place = { topic: 'ledger.events', partition } as const
  const remedy =
    'the log was restored from an older copy: bring back the one that the checkpoints were made from, or restore the database of the checkpoints to the same time'
  if (eventsOffset === 0n) return
  if (eventsOffset > end) {
    throw new SaldoError(
      'SALDO_LOG_MISMATCH',
      `the checkpoint of partition ${partition} is ahead of the log (${eventsOffset} > ${end}): ${remedy}`,
    )
  }
  if (lastEventId === undefined) return
  // Offsets may jump: behind the last event is what ended its transaction.
  const last = await lastBefore(log, place, eventsOffset)
  if (last === undefined) return
  const { eventId } = decodeEvent(last, partition)
  if (eventId === lastEventId) return
  throw new SaldoError(
    'SALDO_LOG_MISMATCH',
    `the event at partition ${partition} offset ${last.offset} is ${eventId}, and a checkpoint holds ${lastEventId} there: ${remedy}`,
  )
}
