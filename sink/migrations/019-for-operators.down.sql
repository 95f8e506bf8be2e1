DROP VIEW daily_totals;
DROP INDEX transactions_to_review;
