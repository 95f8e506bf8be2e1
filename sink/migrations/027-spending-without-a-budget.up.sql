-- Where a user has no budget, what he spends is added to his months without a look at them.
ALTER TABLE budget_status
  ALTER COLUMN standing SET DEFAULT false,
  ALTER COLUMN thresholds SET DEFAULT '{}',
  ALTER COLUMN latched SET DEFAULT '{}';
-- Who has a budget; few rows do.
CREATE INDEX budget_status_held ON budget_status (user_id) WHERE budget_id IS NOT NULL;
