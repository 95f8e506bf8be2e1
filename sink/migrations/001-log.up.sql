-- The log on PostgreSQL: topics, their heads, their records, and the groups that read them.

CREATE TABLE log_identity (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO log_identity DEFAULT VALUES;

CREATE TABLE log_topics (
  topic_id smallint PRIMARY KEY,
  name text NOT NULL UNIQUE,
  partitions int NOT NULL CHECK (partitions > 0)
);

CREATE TABLE log_heads (
  topic_id smallint NOT NULL REFERENCES log_topics,
  partition int NOT NULL,
  next_offset bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic_id, partition)
) WITH (fillfactor = 20);

CREATE TABLE log_records (
  topic_id smallint NOT NULL,
  partition int NOT NULL,
  "offset" bigint NOT NULL,
  key bytea NOT NULL,
  value bytea NOT NULL,
  appended_at_ms bigint NOT NULL,
  PRIMARY KEY (topic_id, partition, "offset")
) PARTITION BY LIST (topic_id);
-- Values are encoded and mostly sealed: compressing them costs time and saves nothing.
ALTER TABLE log_records ALTER COLUMN value SET STORAGE EXTERNAL;

CREATE TABLE log_ledger_commands PARTITION OF log_records FOR VALUES IN (1);
CREATE TABLE log_ledger_events PARTITION OF log_records FOR VALUES IN (2);
CREATE TABLE log_ledger_outcomes PARTITION OF log_records FOR VALUES IN (3);
CREATE TABLE log_ledger_parked PARTITION OF log_records FOR VALUES IN (4);
CREATE TABLE log_ledger_dead_letters PARTITION OF log_records FOR VALUES IN (5);

-- Where a group stands in a partition, and who may move it: only the owner with the current epoch.
CREATE TABLE log_groups (
  group_name text NOT NULL,
  topic_id smallint NOT NULL REFERENCES log_topics,
  partition int NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,
  next_offset bigint,
  owner_pid int,
  owner_started timestamptz,
  PRIMARY KEY (group_name, topic_id, partition)
) WITH (fillfactor = 20);

-- A producer numbers its appends; a repeated number was stored before and is not stored again.
CREATE TABLE log_producers (
  producer_id uuid PRIMARY KEY,
  last_number bigint NOT NULL,
  used_at timestamptz NOT NULL DEFAULT now()
);

-- Locks heads in one order, hands out offsets, inserts. The arrays are parallel; an ordinal counts within (topic, partition).
CREATE FUNCTION log_insert(topics smallint[], partitions int[], ordinals int[], keys bytea[], vals bytea[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  appended bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
  inserted bigint;
BEGIN
  PERFORM 1 FROM log_heads h
    WHERE (h.topic_id, h.partition) IN (SELECT t, p FROM unnest(topics, partitions) AS u(t, p))
    ORDER BY h.topic_id, h.partition
    FOR UPDATE;
  WITH counted AS (
    SELECT t, p, count(*) AS n FROM unnest(topics, partitions) AS u(t, p) GROUP BY t, p
  ), moved AS (
    UPDATE log_heads h SET next_offset = h.next_offset + c.n
    FROM counted c WHERE h.topic_id = c.t AND h.partition = c.p
    RETURNING h.topic_id, h.partition, h.next_offset - c.n AS first_offset
  )
  INSERT INTO log_records (topic_id, partition, "offset", key, value, appended_at_ms)
  SELECT r.t, r.p, m.first_offset + r.o, r.k, r.v, appended
  FROM unnest(topics, partitions, ordinals, keys, vals) AS r(t, p, o, k, v)
  JOIN moved m ON m.topic_id = r.t AND m.partition = r.p;
  GET DIAGNOSTICS inserted = ROW_COUNT;
  -- A partition without a head would otherwise swallow its records.
  IF inserted <> cardinality(topics) THEN
    RAISE EXCEPTION 'a record for a partition that does not exist';
  END IF;
END $$;

CREATE FUNCTION log_append(producer uuid, number bigint, topics smallint[], partitions int[], ordinals int[], keys bytea[], vals bytea[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log_producers AS known (producer_id, last_number) VALUES (producer, number)
  ON CONFLICT (producer_id) DO UPDATE SET last_number = excluded.last_number, used_at = now()
    WHERE known.last_number < excluded.last_number;
  IF FOUND THEN
    PERFORM log_insert(topics, partitions, ordinals, keys, vals);
  END IF;
END $$;

-- The whole commit of an owner in one call: epoch, records, group offset. True when it was still the owner.
CREATE FUNCTION log_commit(grp text, topic smallint, part int, owner_epoch bigint, new_offset bigint,
                           topics smallint[], partitions int[], ordinals int[], keys bytea[], vals bytea[])
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM log_groups g
    WHERE g.group_name = grp AND g.topic_id = topic AND g.partition = part AND g.epoch = owner_epoch
    FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM log_insert(topics, partitions, ordinals, keys, vals);
  UPDATE log_groups g SET next_offset = new_offset
    WHERE g.group_name = grp AND g.topic_id = topic AND g.partition = part;
  RETURN true;
END $$;
