import { SaldoError } from '../schemas/errors.ts'
import type { CheckpointProgress } from '../sink/checkpoint-store.ts'
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
  const offset = eventsOffset - 1n
  const [last] = (await log.read(place, offset, { records: 1, bytes: 1 })).records
  // Offsets may jump: when the last event was not the one just before, there is nothing to compare.
  if (last?.offset !== offset) return
  const { eventId } = decodeEvent(last, partition)
  if (eventId === lastEventId) return
  throw new SaldoError(
    'SALDO_LOG_MISMATCH',
    `the event at partition ${partition} offset ${offset} is ${eventId}, and a checkpoint holds ${lastEventId} there: ${remedy}`,
  )
}
