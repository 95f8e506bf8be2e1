DO $$
DECLARE
  archive text;
BEGIN
  IF current_setting('saldo.timescale', true) = 'on' THEN
    FOREACH archive IN ARRAY ARRAY['events', 'transaction_events'] LOOP
      CALL remove_columnstore_policy(archive::regclass, if_exists => true);
      PERFORM decompress_chunk(chunk, if_compressed => true) FROM show_chunks(archive::regclass) AS chunk;
      EXECUTE format('ALTER TABLE %I SET (timescaledb.enable_columnstore = false)', archive);
    END LOOP;
  END IF;
END $$;
