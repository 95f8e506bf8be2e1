ALTER TABLE daily_aggregates RESET (fillfactor);
ALTER TABLE accounts RESET (fillfactor);
