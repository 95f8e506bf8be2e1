-- What table processors have to tell the world: written in the transaction of the rows that are the reason, relayed
-- afterwards, at least once. The key is where its cause is in the log: the same item is the same row on every replay.
CREATE TABLE outbox (
  processor text NOT NULL,
  partition int NOT NULL,
  source_offset bigint NOT NULL,
  "index" int NOT NULL,
  -- Derived from the cause: the same on every replay, so that a receiver knows what it has already.
  event_id uuid NOT NULL,
  topic text NOT NULL,
  event_type text NOT NULL,
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  user_id text NOT NULL,
  -- Avro, as it goes to the topic; no text of a user in clear.
  payload bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  processed_at timestamptz,
  attempts int NOT NULL DEFAULT 0,
  last_error text,
  PRIMARY KEY (processor, partition, source_offset, "index")
);
-- The relay takes them partition by partition in the order of their causes. Ids that count would not do: they are
-- given before the commit, so a later one can be seen first.
CREATE INDEX outbox_unprocessed ON outbox (partition, source_offset, processor, "index") WHERE processed_at IS NULL;
CREATE INDEX outbox_failing ON outbox (created_at) WHERE processed_at IS NULL AND attempts > 0;
CREATE INDEX outbox_processed ON outbox (processed_at) WHERE processed_at IS NOT NULL;
CREATE INDEX outbox_by_user ON outbox (user_id, created_at);
