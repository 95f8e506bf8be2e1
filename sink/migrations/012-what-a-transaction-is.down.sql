DELETE FROM transactions WHERE status = 'deleted';
DROP INDEX transactions_split;
DROP INDEX transactions_by_date;
ALTER TABLE transactions
  DROP COLUMN kind,
  DROP COLUMN linked_transaction_id,
  DROP COLUMN parts,
  DROP COLUMN part_category_ids,
  DROP COLUMN status,
  DROP COLUMN first_category_id,
  DROP COLUMN first_category_source;
CREATE INDEX transactions_by_date ON transactions (user_id, booked_on DESC, transaction_id DESC, account_id, category_id);
