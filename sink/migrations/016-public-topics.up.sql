-- Topics for readers outside, kept for a week: rings of segment tables, as those of answers (005-segments).
DO $$
DECLARE
  ring record;
BEGIN
  FOR ring IN SELECT * FROM (VALUES (6, 'log_transactions_created'), (7, 'log_transactions_categorized'),
                                    (8, 'log_expenses_events'), (9, 'log_budgets_exceeded')) AS r (topic_id, name) LOOP
    EXECUTE format('CREATE TABLE %s PARTITION OF log_records FOR VALUES IN (%s) PARTITION BY LIST (segment)', ring.name, ring.topic_id);
    FOR segment IN 0 .. log_segment_count() - 1 LOOP
      EXECUTE format('CREATE TABLE %s_%s PARTITION OF %s (PRIMARY KEY (topic_id, partition, "offset")) FOR VALUES IN (%s)',
                     ring.name, segment, ring.name, segment);
    END LOOP;
  END LOOP;
END $$;
