-- What is kept goes back into one table.
ALTER TABLE log_ledger_parked DETACH PARTITION log_ledger_parked_0;
INSERT INTO log_ledger_parked_0 (topic_id, partition, "offset", key, value, appended_at_ms, segment)
SELECT topic_id, partition, "offset", key, value, appended_at_ms, 0 FROM log_ledger_parked;
DROP TABLE log_ledger_parked;
ALTER TABLE log_ledger_parked_0 RENAME TO log_ledger_parked;
ALTER TABLE log_records ATTACH PARTITION log_ledger_parked FOR VALUES IN (4);
DELETE FROM log_segments WHERE topic_id = 4;
UPDATE log_heads SET segment = 0 WHERE topic_id = 4;
