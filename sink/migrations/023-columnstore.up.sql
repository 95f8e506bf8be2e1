-- Archives are compressed a week after they were written, where TimescaleDB is. Every batch of 1,000 rows holds
-- neighbouring users, in the order of their events. Chosen instead of a segment for each aggregate, or for each user:
-- most aggregates have one event in a week and users have few, and rows that share a batch with few others grow instead
-- of shrinking (`npm run bench -- compression`). The columnstore keeps an index on the first and last user of a batch.
-- Nothing is ever dropped by age: the archive is the ledger's.
DO $$
DECLARE
  archive text;
BEGIN
  IF current_setting('saldo.timescale', true) = 'on' THEN
    FOREACH archive IN ARRAY ARRAY['events', 'transaction_events'] LOOP
      EXECUTE format('ALTER TABLE %I SET (timescaledb.enable_columnstore, timescaledb.orderby = %L)', archive, 'user_id, sequence');
      -- A new policy runs at once unless it is told when.
      CALL add_columnstore_policy(archive::regclass, after => INTERVAL '7 days', schedule_interval => INTERVAL '12 hours',
                                  initial_start => now() + INTERVAL '1 day');
    END LOOP;
  END IF;
END $$;
