-- Parked commands leave the log once they were sent again and decided: a ring of segment tables, as that of commands
-- (005-segments). What is there is in its first segment.
ALTER TABLE log_records DETACH PARTITION log_ledger_parked;
ALTER TABLE log_ledger_parked RENAME TO log_ledger_parked_0;
CREATE TABLE log_ledger_parked PARTITION OF log_records FOR VALUES IN (4) PARTITION BY LIST (segment);
ALTER TABLE log_ledger_parked ATTACH PARTITION log_ledger_parked_0 FOR VALUES IN (0);

DO $$
BEGIN
  FOR segment IN 1 .. log_segment_count() - 1 LOOP
    EXECUTE format('CREATE TABLE log_ledger_parked_%s PARTITION OF log_ledger_parked (PRIMARY KEY (topic_id, partition, "offset")) FOR VALUES IN (%s)',
                   segment, segment);
  END LOOP;
END $$;
