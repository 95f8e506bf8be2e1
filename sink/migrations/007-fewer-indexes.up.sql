-- Every index is paid for by every command, so each has a query: one serves all lists of transactions. Filters by account
-- and category are answered from its last columns, without a visit to the table.
DROP INDEX transactions_by_category;
DROP INDEX transactions_by_account;
DROP INDEX transactions_by_date;
CREATE INDEX transactions_by_date ON transactions (user_id, booked_on DESC, transaction_id DESC, account_id, category_id);

-- No query asks for the events of one aggregate; those of a ledger come by its key.
DROP INDEX events_by_aggregate;
