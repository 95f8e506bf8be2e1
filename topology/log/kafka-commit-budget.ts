const PER_SECOND = 300
/** After a quiet time so many go at once. */
const BURST = 30
const EVERY_MS = 1_000 / PER_SECOND

/**
 * How many commits a process makes in a second. A commit costs a broker about a millisecond however little is in it, so
 * many partitions with little to do in each would keep it busy with nothing else. Whoever has to wait finds more to do
 * when his turn comes.
 */
export class CommitBudget {
  #nextAt = -Infinity

  /** How many milliseconds the commit that would be made now has to wait. Time is monotonic, in milliseconds. */
  spend(now: number): number {
    const at = Math.max(this.#nextAt, now - BURST * EVERY_MS)
    this.#nextAt = at + EVERY_MS
    return Math.max(0, at - now)
  }
}
