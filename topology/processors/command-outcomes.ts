import type { Outcome } from '../../schemas/types.ts'
import type { FirstProcessor, Row } from './processor.ts'

/**
 * The answer to a command id: the first that is not `duplicate`, or the first one. A command that waited or failed is
 * decided when it is sent again, and that answer replaces the one before.
 */
export const commandOutcomes: FirstProcessor<Outcome> = {
  kind: 'first',
  name: 'command-outcomes',
  table: 'command_outcomes',
  row: (outcome) => ({
    user_id: outcome.userId,
    command_id: outcome.commandId,
    verdict: outcome.verdict,
    recorded_at: outcome.recordedAt,
    partition: outcome.commandPartition,
    command_offset: outcome.commandOffset,
    aggregate_type: outcome.aggregateType,
    aggregate_id: outcome.aggregateId,
    version: outcome.version,
    event_ids: outcome.eventIds,
    first_sequence: outcome.firstSequence,
    path: outcome.path,
    code: outcome.code,
    sentence: outcome.sentence,
  }),
  givesWay: (kept, next) => finality(kept) < finality(next),
}

/** As in `sink/tables.ts`. */
function finality({ verdict, code }: Row): number {
  if (verdict === 'parked' || code === 'parking-changed') return 0
  if (verdict === 'failed') return 1
  return verdict === 'duplicate' ? 2 : 3
}
