-- What was spent of each budget, month by month. Where no budget holds, the amount is null and spending is counted all
-- the same: a budget that is set later knows what was spent before.
CREATE TABLE budget_status (
  user_id text NOT NULL,
  -- As in 2026-03. In the row of 'every' month stands the budget of months that have none of their own.
  month text NOT NULL,
  category_id text NOT NULL,
  currency text NOT NULL,
  -- The budget that holds; `standing` says that it is that of every month.
  budget_id text,
  budget_version bigint,
  standing boolean NOT NULL,
  name text,
  amount_minor numeric,
  -- Percentages, ascending; and those that were reached since the budget holds or was raised last.
  thresholds int[] NOT NULL,
  latched int[] NOT NULL,
  spent_minor numeric NOT NULL,
  transaction_count bigint NOT NULL,
  updated_at timestamptz NOT NULL,
  remaining_minor numeric GENERATED ALWAYS AS (amount_minor - spent_minor) STORED,
  -- For people, rounded; thresholds are compared exactly.
  percentage numeric GENERATED ALWAYS AS (
    CASE WHEN amount_minor = 0 THEN 0 ELSE round(spent_minor * 100 / amount_minor, 2) END) STORED,
  PRIMARY KEY (user_id, month, category_id, currency)
) WITH (fillfactor = 70);

-- What a processor folds below this offset is not told: it happened before its table was there.
ALTER TABLE progress ADD COLUMN tells_from bigint NOT NULL DEFAULT 0;
INSERT INTO progress (consumer, partition, log_identity, tells_from)
SELECT 'tables:budget-status', partition, log_identity, next_offset FROM progress WHERE consumer = 'tables:event-archive';

SELECT saldo_wall('budget_status');
