import { expect, test } from 'vitest'
import type { Outcome } from '../../../schemas/types.ts'
import { foldBatch } from '../../../topology/fold-batch.ts'
import { commandOutcomes } from '../../../topology/processors/command-outcomes.ts'
import { groceries, opened } from '../../support/example-commands.ts'
import { memoryTables } from '../../support/memory-tables.ts'
import { given } from '../../support/specification.ts'

const { outcome } = given(opened).when(groceries).answer
const duplicate: Outcome = { ...outcome, verdict: 'duplicate' }
const parked: Outcome = { ...outcome, verdict: 'parked', code: 'parked' }
const failed: Outcome = { ...outcome, verdict: 'failed', code: 'failed' }
const tooLate: Outcome = { ...outcome, verdict: 'rejected', code: 'parking-changed' }
const rejected: Outcome = { ...outcome, verdict: 'rejected', code: 'currency-mismatch' }

/** The verdict that is kept of one command, folded in batches. */
async function keptOf(...batches: readonly (readonly Outcome[])[]): Promise<unknown> {
  const memory = memoryTables()
  for (const batch of batches) {
    const sources = batch.map((item, n) => ({
      item,
      partition: 0,
      offset: BigInt(n),
      value: Buffer.alloc(0),
    }))
    memory.apply(await foldBatch(commandOutcomes, sources, memory.read))
  }
  return memory.rows('command_outcomes').map(({ verdict }) => verdict)
}

test('an answer is kept with what it says of the command', () => {
  expect(commandOutcomes.row(outcome)).toEqual({
    user_id: 'user-1',
    command_id: outcome.commandId,
    verdict: 'accepted',
    recorded_at: outcome.recordedAt,
    partition: 0,
    command_offset: 1,
    aggregate_type: 'transaction',
    aggregate_id: 't-1',
    version: 1,
    event_ids: outcome.eventIds,
    first_sequence: 2,
    path: null,
    code: null,
    sentence: null,
  })
})

test.each([
  ['accepted', [parked, outcome, duplicate]],
  ['accepted', [parked, tooLate, outcome]],
  ['accepted', [failed, parked, outcome, parked, failed]],
  ['duplicate', [parked, duplicate, parked]],
  ['rejected', [parked, rejected, outcome]],
  ['failed', [failed, parked]],
] as const)('%s replaces the answer that the command waits', async (verdict, outcomes) => {
  expect(await keptOf(outcomes)).toEqual([verdict])
  expect(await keptOf(...outcomes.map((one) => [one]))).toEqual([verdict])
})

test.each([
  ['accepted', [outcome, duplicate]],
  ['accepted', [duplicate, outcome]],
  ['rejected', [rejected, outcome]],
  ['rejected', [duplicate, rejected, outcome]],
  ['duplicate', [duplicate, duplicate]],
] as const)('%s is the first answer that is no duplicate', async (verdict, outcomes) => {
  expect(await keptOf(outcomes)).toEqual([verdict])
  expect(await keptOf(...outcomes.map((one) => [one]))).toEqual([verdict])
})
