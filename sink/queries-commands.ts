import type { Statement } from './queries-connection.ts'

export type CommandOutcome = {
  readonly commandId: string
  readonly verdict: string
  readonly recordedAt: number
  readonly aggregateType: string | null
  readonly aggregateId: string | null
  readonly version: number | null
  readonly eventIds: readonly string[]
  readonly firstSequence: number | null
  readonly path: string | null
  readonly code: string | null
  readonly sentence: string | null
}

export function commandOutcomeStatement(userId: string, commandId: string): Statement {
  return {
    text: `SELECT command_id, verdict, recorded_at, aggregate_type, aggregate_id, version, event_ids,
                  first_sequence, path, code, sentence
             FROM command_outcomes
            WHERE user_id = $1 AND command_id = $2`,
    values: [userId, commandId],
  }
}

export type CommandOutcomeRow = {
  readonly command_id: string
  readonly verdict: string
  readonly recorded_at: Date
  readonly aggregate_type: string | null
  readonly aggregate_id: string | null
  readonly version: bigint | null
  readonly event_ids: readonly string[]
  readonly first_sequence: bigint | null
  readonly path: string | null
  readonly code: string | null
  readonly sentence: string | null
}

export function commandOutcomeOf(row: CommandOutcomeRow): CommandOutcome {
  return {
    commandId: row.command_id,
    verdict: row.verdict,
    recordedAt: row.recorded_at.getTime(),
    aggregateType: row.aggregate_type,
    aggregateId: row.aggregate_id,
    version: row.version === null ? null : Number(row.version),
    eventIds: row.event_ids,
    firstSequence: row.first_sequence === null ? null : Number(row.first_sequence),
    path: row.path,
    code: row.code,
    sentence: row.sentence,
  }
}
