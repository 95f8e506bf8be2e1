-- The history of every transaction: append only, texts sealed as they are in the log. A hypertable where TimescaleDB is.
CREATE TABLE transaction_events (
  user_id text NOT NULL,
  transaction_id text NOT NULL,
  version bigint NOT NULL,
  event_id uuid NOT NULL,
  sequence bigint NOT NULL,
  -- 'created', 'categorized', 'updated' or 'deleted'.
  type text NOT NULL,
  account_id text NOT NULL,
  kind text NOT NULL,
  amount_minor numeric NOT NULL,
  currency text NOT NULL,
  booked_on date NOT NULL,
  category_id text NOT NULL,
  -- Who chose the category, and how sure: null where the event did not change it.
  category_source text,
  confidence numeric(5, 4),
  parts json,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  initiator_kind text NOT NULL,
  personal bytea
);
ALTER TABLE transaction_events ALTER COLUMN personal SET STORAGE EXTERNAL;

DO $$
BEGIN
  IF current_setting('saldo.timescale', true) = 'on' THEN
    -- Its default index, on the time alone, serves no query.
    PERFORM create_hypertable('transaction_events', by_range('recorded_at', INTERVAL '7 days'), create_default_indexes => false);
  END IF;
END $$;
-- A unique index on a hypertable has to contain the time; an event keeps its recorded_at on every replay.
CREATE UNIQUE INDEX transaction_events_key ON transaction_events (user_id, transaction_id, version, recorded_at);

SELECT saldo_wall_view('transaction_events');
