-- Topics whose records leave are rings of segment tables: one is written, those before it are emptied as a whole.
-- Commands go behind the committed offset, answers (outcomes and dead letters, together) after their retention.

-- The segment that is written, and the first offset that is kept.
ALTER TABLE log_heads ADD COLUMN segment smallint NOT NULL DEFAULT 0, ADD COLUMN start_offset bigint NOT NULL DEFAULT 0;
ALTER TABLE log_topics ADD COLUMN rotated_at timestamptz NOT NULL DEFAULT now();

-- Segments that are written no more and still hold records. A few rows.
CREATE TABLE log_segments (
  topic_id smallint NOT NULL REFERENCES log_topics,
  segment smallint NOT NULL,
  partition int NOT NULL,
  end_offset bigint NOT NULL,
  closed_at timestamptz NOT NULL,
  PRIMARY KEY (topic_id, segment, partition)
);

ALTER TABLE log_records ADD COLUMN segment smallint NOT NULL DEFAULT 0;
ALTER TABLE log_records DETACH PARTITION log_ledger_commands;
ALTER TABLE log_records DETACH PARTITION log_ledger_events;
ALTER TABLE log_records DETACH PARTITION log_ledger_outcomes;
ALTER TABLE log_records DETACH PARTITION log_ledger_parked;
ALTER TABLE log_records DETACH PARTITION log_ledger_dead_letters;
-- A key of the whole would need the segment in it, and reads do not know the segment: every table keeps one of its own.
ALTER TABLE log_records DROP CONSTRAINT log_records_pkey;
ALTER TABLE log_records ATTACH PARTITION log_ledger_events FOR VALUES IN (2);
ALTER TABLE log_records ATTACH PARTITION log_ledger_parked FOR VALUES IN (4);

CREATE FUNCTION log_segment_count() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 4';

CREATE FUNCTION log_segment_table(topic smallint, segment int) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format('log_%s_%s', translate(t.name, '.-', '__'), segment) FROM log_topics t WHERE t.topic_id = topic
$$;

DO $$
DECLARE
  ring record;
BEGIN
  FOR ring IN SELECT * FROM (VALUES (1, 'log_ledger_commands'), (3, 'log_ledger_outcomes'), (5, 'log_ledger_dead_letters')) AS r (topic_id, name) LOOP
    EXECUTE format('ALTER TABLE %s RENAME TO %s_0', ring.name, ring.name);
    EXECUTE format('CREATE TABLE %s PARTITION OF log_records FOR VALUES IN (%s) PARTITION BY LIST (segment)', ring.name, ring.topic_id);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s_0 FOR VALUES IN (0)', ring.name, ring.name);
    FOR segment IN 1 .. log_segment_count() - 1 LOOP
      EXECUTE format('CREATE TABLE %s_%s PARTITION OF %s (PRIMARY KEY (topic_id, partition, "offset")) FOR VALUES IN (%s)',
                     ring.name, segment, ring.name, segment);
    END LOOP;
  END LOOP;
END $$;

-- As in 001, and into the segment that the head names.
CREATE OR REPLACE FUNCTION log_insert(topics smallint[], partitions int[], ordinals int[], keys bytea[], vals bytea[])
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
    RETURNING h.topic_id, h.partition, h.segment, h.next_offset - c.n AS first_offset
  )
  INSERT INTO log_records (topic_id, partition, "offset", key, value, appended_at_ms, segment)
  SELECT r.t, r.p, m.first_offset + r.o, r.k, r.v, appended, m.segment
  FROM unnest(topics, partitions, ordinals, keys, vals) AS r(t, p, o, k, v)
  JOIN moved m ON m.topic_id = r.t AND m.partition = r.p;
  GET DIAGNOSTICS inserted = ROW_COUNT;
  -- A partition without a head would otherwise swallow its records.
  IF inserted <> cardinality(topics) THEN
    RAISE EXCEPTION 'a record for a partition that does not exist';
  END IF;
END $$;

-- Closes the segment that these topics write and goes on in the next one. Only when it holds something, when the last
-- turn is long enough ago or the segment is large, and when the next one is empty: a reader that is behind keeps its
-- records, and the segment grows. The topics turn together: a commit is in one segment of them all.
CREATE FUNCTION log_rotate(together smallint[], every_ms bigint, bytes_max bigint)
RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
DECLARE
  current_segment smallint;
  next_segment smallint;
BEGIN
  SELECT h.segment INTO current_segment FROM log_heads h WHERE h.topic_id = together[1] LIMIT 1;
  next_segment := (current_segment + 1) % log_segment_count();
  IF current_segment IS NULL
     OR EXISTS (SELECT FROM log_segments s WHERE s.topic_id = together[1] AND s.segment = next_segment)
     OR NOT EXISTS (
       SELECT FROM log_heads h WHERE h.topic_id = ANY (together) AND h.next_offset > greatest(h.start_offset,
         (SELECT max(s.end_offset) FROM log_segments s WHERE s.topic_id = h.topic_id AND s.partition = h.partition)))
     OR (EXISTS (SELECT FROM log_topics t WHERE t.topic_id = together[1]
                 AND t.rotated_at > clock_timestamp() - every_ms * interval '1 millisecond')
         AND (SELECT sum(pg_table_size(log_segment_table(t, current_segment)::regclass)) FROM unnest(together) AS t) < bytes_max)
  THEN
    RETURN false;
  END IF;
  PERFORM 1 FROM log_heads h WHERE h.topic_id = ANY (together) ORDER BY h.topic_id, h.partition FOR UPDATE;
  INSERT INTO log_segments (topic_id, segment, partition, end_offset, closed_at)
    SELECT h.topic_id, h.segment, h.partition, h.next_offset, clock_timestamp()
    FROM log_heads h WHERE h.topic_id = ANY (together);
  UPDATE log_heads h SET segment = next_segment WHERE h.topic_id = ANY (together);
  UPDATE log_topics t SET rotated_at = clock_timestamp() WHERE t.topic_id = ANY (together);
  RETURN true;
END $$;

-- Empties the oldest closed segment of these topics, when it was closed long enough ago and every partition of the
-- first one is read up to its end: `read_to` has an offset for each partition, from 0. How many tables were emptied.
-- TRUNCATE locks only tables that nobody writes, and waits no longer than readers may be made to wait.
CREATE FUNCTION log_truncate(together smallint[], older_than_ms bigint, read_to bigint[])
RETURNS int LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
DECLARE
  current_segment smallint;
  oldest smallint;
BEGIN
  SELECT h.segment INTO current_segment FROM log_heads h WHERE h.topic_id = together[1] LIMIT 1;
  SELECT s.segment INTO oldest FROM log_segments s WHERE s.topic_id = together[1]
    ORDER BY (s.segment - current_segment - 1 + log_segment_count()) % log_segment_count() LIMIT 1;
  IF oldest IS NULL OR EXISTS (
    SELECT FROM log_segments s JOIN log_heads h USING (topic_id, partition)
    WHERE s.topic_id = together[1] AND s.segment = oldest
      AND (s.closed_at > clock_timestamp() - older_than_ms * interval '1 millisecond'
           OR (s.end_offset > h.start_offset AND s.end_offset > coalesce(read_to[s.partition + 1], 0))))
  THEN
    RETURN 0;
  END IF;
  EXECUTE (SELECT 'TRUNCATE ' || string_agg(log_segment_table(t, oldest), ', ') FROM unnest(together) AS t);
  -- In the order of every commit.
  PERFORM 1 FROM log_heads h WHERE h.topic_id = ANY (together) ORDER BY h.topic_id, h.partition FOR UPDATE;
  UPDATE log_heads h SET start_offset = s.end_offset FROM log_segments s
    WHERE h.topic_id = ANY (together) AND s.topic_id = h.topic_id AND s.partition = h.partition AND s.segment = oldest;
  DELETE FROM log_segments s WHERE s.topic_id = ANY (together) AND s.segment = oldest;
  RETURN cardinality(together);
END $$;
