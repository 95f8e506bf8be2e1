DROP VIEW correction_statistics;
DROP INDEX transactions_corrected;
DROP VIEW daily_balances;
DROP VIEW category_usage;
DROP VIEW category_aggregates;
DROP VIEW monthly_aggregates;
