-- How far the clock has come in telling every ledger that time passed. One row per task.
CREATE TABLE clock_progress (
  task text PRIMARY KEY,
  until_ms bigint NOT NULL,
  -- Ledgers up to this one, in the order of their ids, have been told.
  after_user text NOT NULL,
  finished boolean NOT NULL
);
