-- Rows that change with nearly every command get room on their page: an update then stays there and touches no index.
ALTER TABLE accounts SET (fillfactor = 50);
ALTER TABLE daily_aggregates SET (fillfactor = 70);
