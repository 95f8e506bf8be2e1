/**
 * Goal: whatever happens to the owners of a partition at any step of their loop, no event, answer, offset or state is
 * lost, repeated or changed.
 * Method: generate commands of several users and a list of fates (a refused step, a slow one, a lost answer, a crash, a
 * replacement, an owner that is held up and goes on later without knowing), run owners one after the other and beside
 * each other until every command is answered, then let every zombie finish. Judge what is left by itself, and compare
 * it, opened, with a run to which nothing happened. Checkpoints are cut every few changes, so at any commit boundary.
 * Catches: offset committed before events; tail not marked changed; checkpoint cut ahead of the commit; checkpoint of
 * live states; a cell counted as saved by a flag; changed state evicted; a failed checkpoint followed by the next one; rows of a newer owner taken for a fault; eviction beside a batch that is being decided;
 * window left out of checkpoints; in-doubt commit tried again, or taken for done, without looking; offset read before
 * the fence; epoch unchecked in the log; next batch committed beside the one before; a gap waited for at its old
 * offset; dead letters dropped. Seen by other suites only, because something else saves the run: epoch and from-offset
 * unchecked in the store, older row wins (checkpoint-store.contract), loaded state overwrites (host.test), a checkpoint
 * cut without proof of the lease (run-actors-ownership.test).
 * Replay a failure with `SEED=<seed> npm run test:sim`; `SIM_RUNS=` says how many, with fresh seeds.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LedgerCommand } from '../../schemas/types.ts'
import type { NewRecord } from '../../topology/log/log.ts'
import {
  commandRecord,
  commandsPlace,
  newWorld,
  remainsOf,
  turnsUntil,
  type World,
} from '../support/actor-world.ts'
import { arbitraryHistory, COMMANDS_AT } from '../support/arbitrary-commands.ts'
import {
  startProcess,
  StepClock,
  type EngineSettings,
  type Fate,
  type FaultyProcess,
} from '../support/faulty-engine.ts'
import { anomaliesOf, openedHistory, type Remains } from '../support/history-judge.ts'

const RUNS = Number(process.env['SIM_RUNS'] ?? 300)
const SEED = process.env['SEED'] ?? (process.env['SIM_RUNS'] === undefined ? '1' : undefined)

const MS_PER_RUN_MAX = 200

type Scenario = {
  readonly commands: readonly LedgerCommand[]
  /** Every so many commands one record that nobody can read; 0 for none. */
  readonly garbageEvery: number
  readonly fates: readonly Fate[]
  readonly settings: EngineSettings
  readonly logSeed: number
}

const fate: fc.Arbitrary<Fate> = fc.record({
  kind: fc.constantFrom('fail', 'slow', 'slow-fail', 'in-doubt', 'crash', 'zombie', 'replaced'),
  afterSteps: fc.integer({ min: 1, max: 40 }),
  delaySteps: fc.integer({ min: 0, max: 60 }),
})

const settings: fc.Arbitrary<EngineSettings> = fc.record({
  limit: fc.record({ records: fc.integer({ min: 1, max: 12 }), bytes: fc.constant(1_000_000) }),
  pace: fc.record({
    everyMs: fc.constantFrom(1, 20, Infinity),
    changedStates: fc.constantFrom(1, 5, 30, 10_000),
    changedStatesMax: fc.constantFrom(5, 1_000),
  }),
  sharding: fc.constantFrom(64, 1, 'ledger' as const),
  cellsMax: fc.constantFrom(0, 8, 1_000),
})

const scenario: fc.Arbitrary<Scenario> = fc.record({
  commands: arbitraryHistory(60),
  garbageEvery: fc.constantFrom(0, 7),
  fates: fc.array(fate, { maxLength: 8, size: 'max' }),
  settings,
  logSeed: fc.nat(),
})

function recordsOf({ commands, garbageEvery }: Scenario): readonly NewRecord[] {
  const garbage = Buffer.from('not a command')
  return commands.flatMap((command, n) => {
    const record = commandRecord(command)
    const isSpoilt = garbageEvery > 0 && n % garbageEvery === 0
    return isSpoilt ? [{ ...record, value: garbage }, record] : [record]
  })
}

async function run(given: Scenario): Promise<Remains> {
  const world = newWorld({ seed: given.logSeed, now: () => COMMANDS_AT })
  await world.log.producer().append(recordsOf(given))
  const clock = new StepClock()
  const fates = [...given.fates]
  const owners: FaultyProcess[] = []
  const gaveUp = new AbortController()
  try {
    do {
      const owner = startProcess(world, given.settings, clock, fates)
      owner.ended.catch(() => gaveUp.abort())
      owners.push(owner)
      await turnsUntil(() => owner.isOver() || isAnswered(world) || gaveUp.signal.aborted)
    } while (owners.at(-1)?.isOver() === true && !gaveUp.signal.aborted)
  } finally {
    // Whoever is still held up goes on after all is done, and must change nothing.
    fates.length = 0
    clock.releaseAll()
    for (const owner of owners) owner.stop()
  }
  await Promise.all(owners.map(({ ended }) => ended))
  return remainsOf(world)
}

function isAnswered({ log }: World): boolean {
  const last = log.committed({ topic: 'ledger.commands', partition: 0 }).at(-1)
  return last === undefined || (log.groupOffset(commandsPlace) ?? 0n) > last.offset
}

const undisturbed = { fates: [], logSeed: 0 } as const

test(
  'whatever happens to its owners, a partition keeps its promises and has the history of an undisturbed one',
  async () => {
    const sameAsUndisturbed = fc.asyncProperty(scenario, async (given) => {
      const disturbed = await run(given)
      expect(anomaliesOf(disturbed)).toEqual([])
      const reference = await run({ ...given, ...undisturbed })
      expect(openedHistory(disturbed)).toEqual(openedHistory(reference))
    })
    const seed = SEED === undefined ? {} : { seed: Number(SEED) }
    await fc.assert(sameAsUndisturbed, {
      numRuns: RUNS,
      // Making a failure small may take longer than finding it.
      interruptAfterTimeLimit: RUNS * MS_PER_RUN_MAX,
      markInterruptAsFailure: true,
      ...seed,
    })
  },
  RUNS * MS_PER_RUN_MAX * 2,
)

test('the same scenario twice leaves the same history and the same offsets', async () => {
  const same = fc.asyncProperty(scenario, async (given) => {
    const [one, other] = [await run(given), await run(given)]
    expect(openedHistory(one)).toEqual(openedHistory(other))
    const offsets = ({ events, outcomes, checkpoint }: Remains) => [
      [...events, ...outcomes].map(({ offset }) => offset),
      [checkpoint.eventsOffset, checkpoint.commandsOffset, checkpoint.rows.length],
    ]
    expect(offsets(one)).toEqual(offsets(other))
  })
  await fc.assert(same, { numRuns: 20, seed: Number(SEED ?? 1) })
})
