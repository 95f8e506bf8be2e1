-- What the ledger knows of a transaction and the table did not say.
ALTER TABLE transactions
  -- 'ordinary', 'adjustment', 'transfer' or 'expense'.
  ADD COLUMN kind text NOT NULL DEFAULT 'ordinary',
  -- The other side of a transfer.
  ADD COLUMN linked_transaction_id text,
  -- Of a split: [{"categoryId", "amountMinor"}], the amount a string, as written; null where it is not split.
  ADD COLUMN parts json,
  -- The categories of the parts, to be searched.
  ADD COLUMN part_category_ids text[],
  -- 'recorded', or 'deleted': counts for nothing, and is kept so that it can be looked at.
  ADD COLUMN status text NOT NULL DEFAULT 'recorded',
  -- What it was put into when it was created, and by whom: whether that was right is told by what it is in now.
  ADD COLUMN first_category_id text NOT NULL DEFAULT 'uncategorized',
  ADD COLUMN first_category_source text NOT NULL DEFAULT 'fallback';

-- Deleted ones are in no list, however many there are.
DROP INDEX transactions_by_date;
CREATE INDEX transactions_by_date ON transactions (user_id, booked_on DESC, transaction_id DESC, account_id, category_id)
  WHERE status = 'recorded';
-- Splits count in the categories of their parts. There are few, so a list of one category can take them from here.
CREATE INDEX transactions_split ON transactions (user_id, booked_on DESC, transaction_id DESC)
  WHERE status = 'recorded' AND parts IS NOT NULL;

-- Rows of before are folded again from the first event; whoever was writing has a newer owner.
TRUNCATE transactions;
UPDATE progress SET next_offset = 0, last_event_id = NULL, epoch = epoch + 1 WHERE consumer = 'tables:transactions';
