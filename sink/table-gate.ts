/**
 * Whoever writes rows of a table that processors keep is inside the gate from before its first row until its commit, so
 * that a rebuilt table can take the place of the live one while nobody is half-way.
 */
const TABLE_GATE = 7_301_125_003n

/** Where tables are folded again. A connection whose search path begins here writes shadow tables. */
export const REBUILD_SCHEMA = 'rebuild'

/** Begins a transaction among other writers. Writers of shadow tables stay outside: they catch up while it is closed. */
export const BEGIN_WRITING = `BEGIN;
  SELECT pg_advisory_xact_lock_shared(${TABLE_GATE}) WHERE current_schema() <> '${REBUILD_SCHEMA}'`

/** Inside a transaction: waits until every writer has committed, and keeps others out until its end. */
export const CLOSE_GATE = `SELECT pg_advisory_xact_lock(${TABLE_GATE})`
