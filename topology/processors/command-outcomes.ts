import type { Outcome } from '../../schemas/types.ts'
import type { FirstProcessor } from './processor.ts'

/** The answer to a command id: the first that is not `duplicate`, or the first one. */
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
  givesWay: (kept, next) => kept['verdict'] === 'duplicate' && next['verdict'] !== 'duplicate',
}
