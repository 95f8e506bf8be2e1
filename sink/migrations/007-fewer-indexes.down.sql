CREATE INDEX events_by_aggregate ON events (user_id, aggregate_type, aggregate_id, version);
DROP INDEX transactions_by_date;
CREATE INDEX transactions_by_date ON transactions (user_id, booked_on DESC, transaction_id DESC);
CREATE INDEX transactions_by_account ON transactions (user_id, account_id, booked_on DESC, transaction_id DESC);
CREATE INDEX transactions_by_category ON transactions (user_id, category_id, booked_on DESC, transaction_id DESC);
