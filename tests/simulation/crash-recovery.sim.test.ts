/**
 * Goal: whatever happens to the owners of a partition at any step of their loop, no event, answer, offset or state is
 * lost, repeated or changed.
 * Method: a seed gives commands of several users (some unreadable, some that a rule throws on, some after the key of
 * their user was shredded, some of a producer of the release before or of the one after), log times that jump, clocks
 * that tell the ledgers so, and a list of fates: a refused step, a slow one, a lost answer, a crash, a replacement, a
 * lost lease, a partition that is handed over, an owner that is held up and goes on later without knowing. One to
 * three processes own one or two partitions, one after the other and beside each other, until every command is
 * answered; then every zombie finishes. Meanwhile releases are rolled out and back, one process after the other: with
 * another generation of states, with schemas of which they read or write the next version; one that gives up for no
 * good reason fails the run. Operators unpark what is parked, are killed and begin again: then every command of a
 * ledger is decided once, in its order. What is left is judged by itself and compared, opened, with a run to which
 * nothing happened. Checkpoints are cut every few changes, so at any commit boundary.
 * Catches: commit split in two; offset before events; next batch committed beside the one before; in-doubt taken for
 * failed; in-doubt taken for done; dead letters dropped; a gap waited for at its old offset; eviction beside a batch
 * that is being decided; checkpoint cut ahead of the commit; failed checkpoint followed by another; checkpoint of live
 * states; dirty as a boolean; tail not marked changed; stale checkpoint wins; window forgotten; hash chain from the
 * wrong event; prefetch overwriting; changed state evicted; epoch not checked; offset read before the fence; confirm
 * not asked after a fault; generation not checked; older generation loaded as current; new generation begun at the old
 * progress; row of an older generation kept; event of a newer release skipped; resumed behind its place; new command
 * decided before the parked ones; unparked before the last; parked in this batch not counted; parked in the log not
 * counted; parked again from the beginning; parking not stored. Seen by other suites only: older row wins; epoch not
 * checked by the store; offset not checked by the store; loaded state overwrites; confirm not asked before a
 * checkpoint; row of a newer generation taken for none; state of a newer release taken for none; parked ones counted
 * beside a commit. `npm run test:mutants` makes each of them.
 * `npm run test:sim -- --seeds N` takes fresh seeds, and says how to replay one that fails.
 */
import { expect, test } from 'vitest'
import { openedHistory, type Remains } from '../support/history-judge.ts'
import { run } from './run-scenario.ts'
import { firstFailure } from './run-seeds.ts'
import { scenarioOf } from './scenario.ts'

const SEEDS = 300
const MS_PER_SEED_MAX = 400

test(
  'whatever happens to its owners, a partition keeps its promises and has the history of an undisturbed one',
  async () => {
    expect(await firstFailure(1, SEEDS)).toBeUndefined()
  },
  SEEDS * MS_PER_SEED_MAX,
)

test('the same scenario twice leaves the same history and the same offsets', async () => {
  const offsets = ({ events, outcomes, checkpoint }: Remains) => [
    [...events, ...outcomes].map(({ offset }) => offset),
    [checkpoint.eventsOffset, checkpoint.commandsOffset, checkpoint.rows.length],
  ]
  for (let seed = 1; seed <= 20; seed++) {
    const [one, other] = [await run(scenarioOf(seed)), await run(scenarioOf(seed))]
    expect(one.map(openedHistory)).toEqual(other.map(openedHistory))
    expect(one.map(offsets)).toEqual(other.map(offsets))
  }
})
