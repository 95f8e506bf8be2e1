-- What the query API reads: every table equals the fold of the committed events up to its progress row.

-- The archive: append only, personal fields sealed. A hypertable where TimescaleDB is.
CREATE TABLE events (
  user_id text NOT NULL,
  sequence bigint NOT NULL,
  event_id uuid NOT NULL,
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  version bigint NOT NULL,
  event_type text NOT NULL,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  command_id text NOT NULL,
  partition int NOT NULL,
  "offset" bigint NOT NULL,
  event bytea NOT NULL
);
ALTER TABLE events ALTER COLUMN event SET STORAGE EXTERNAL;

DO $$
BEGIN
  IF current_setting('saldo.timescale', true) = 'on' THEN
    PERFORM create_hypertable('events', by_range('recorded_at', INTERVAL '7 days'));
  END IF;
END $$;
-- A unique index on a hypertable has to contain the time; an event keeps its recorded_at on every replay.
CREATE UNIQUE INDEX events_key ON events (user_id, sequence, recorded_at);
CREATE INDEX events_by_aggregate ON events (user_id, aggregate_type, aggregate_id, version);

CREATE TABLE accounts (
  user_id text NOT NULL,
  account_id text NOT NULL,
  kind text NOT NULL,
  name text,
  bank_name text,
  currency text NOT NULL,
  balance_minor numeric NOT NULL,
  transaction_count bigint NOT NULL,
  status text NOT NULL,
  opened_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  last_sequence bigint NOT NULL,
  PRIMARY KEY (user_id, account_id)
);

CREATE TABLE transactions (
  user_id text NOT NULL,
  transaction_id text NOT NULL,
  account_id text NOT NULL,
  amount_minor numeric NOT NULL,
  currency text NOT NULL,
  booked_on date NOT NULL,
  occurred_at timestamptz NOT NULL,
  description text,
  merchant text,
  counterparty text,
  note text,
  category_id text NOT NULL,
  category_source text NOT NULL,
  confidence numeric(5, 4) NOT NULL,
  needs_review boolean NOT NULL,
  source text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (user_id, transaction_id)
);
CREATE INDEX transactions_by_date ON transactions (user_id, booked_on DESC, transaction_id DESC);
CREATE INDEX transactions_by_account ON transactions (user_id, account_id, booked_on DESC, transaction_id DESC);
CREATE INDEX transactions_by_category ON transactions (user_id, category_id, booked_on DESC, transaction_id DESC);

CREATE TABLE categories (
  user_id text NOT NULL,
  category_id text NOT NULL,
  name text,
  status text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (user_id, category_id)
);

-- Spending only: negative amounts, as a positive total.
CREATE TABLE daily_aggregates (
  user_id text NOT NULL,
  booked_on date NOT NULL,
  category_id text NOT NULL,
  currency text NOT NULL,
  total_minor numeric NOT NULL,
  transaction_count bigint NOT NULL,
  PRIMARY KEY (user_id, booked_on, category_id, currency)
);

-- The first answer to a command that is not `duplicate`, or the first one.
CREATE TABLE command_outcomes (
  user_id text NOT NULL,
  command_id text NOT NULL,
  verdict text NOT NULL,
  recorded_at timestamptz NOT NULL,
  partition int NOT NULL,
  command_offset bigint NOT NULL,
  aggregate_type text,
  aggregate_id text,
  version bigint,
  event_ids text[] NOT NULL,
  first_sequence bigint,
  path text,
  code text,
  sentence text,
  PRIMARY KEY (user_id, command_id)
);
