-- What is kept goes back into one table per topic.
DROP FUNCTION log_truncate(smallint[], bigint, bigint[]);
DROP FUNCTION log_rotate(smallint[], bigint, bigint);

DO $$
DECLARE
  ring record;
BEGIN
  FOR ring IN SELECT * FROM (VALUES (1, 'log_ledger_commands'), (3, 'log_ledger_outcomes'), (5, 'log_ledger_dead_letters')) AS r (topic_id, name) LOOP
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s_0', ring.name, ring.name);
    EXECUTE format('INSERT INTO %s_0 (topic_id, partition, "offset", key, value, appended_at_ms, segment)
                    SELECT topic_id, partition, "offset", key, value, appended_at_ms, 0 FROM %s', ring.name, ring.name);
    EXECUTE format('DROP TABLE %s', ring.name);
    EXECUTE format('ALTER TABLE %s_0 RENAME TO %s', ring.name, ring.name);
  END LOOP;
END $$;

ALTER TABLE log_records DETACH PARTITION log_ledger_events;
ALTER TABLE log_records DETACH PARTITION log_ledger_parked;
ALTER TABLE log_records DROP COLUMN segment;
ALTER TABLE log_ledger_commands DROP COLUMN segment;
ALTER TABLE log_ledger_events DROP COLUMN segment;
ALTER TABLE log_ledger_outcomes DROP COLUMN segment;
ALTER TABLE log_ledger_parked DROP COLUMN segment;
ALTER TABLE log_ledger_dead_letters DROP COLUMN segment;
ALTER TABLE log_records ADD PRIMARY KEY (topic_id, partition, "offset");
ALTER TABLE log_records ATTACH PARTITION log_ledger_commands FOR VALUES IN (1);
ALTER TABLE log_records ATTACH PARTITION log_ledger_events FOR VALUES IN (2);
ALTER TABLE log_records ATTACH PARTITION log_ledger_outcomes FOR VALUES IN (3);
ALTER TABLE log_records ATTACH PARTITION log_ledger_parked FOR VALUES IN (4);
ALTER TABLE log_records ATTACH PARTITION log_ledger_dead_letters FOR VALUES IN (5);

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

DROP FUNCTION log_segment_table(smallint, int);
DROP FUNCTION log_segment_count();
DROP TABLE log_segments;
ALTER TABLE log_topics DROP COLUMN rotated_at;
ALTER TABLE log_heads DROP COLUMN segment, DROP COLUMN start_offset;
