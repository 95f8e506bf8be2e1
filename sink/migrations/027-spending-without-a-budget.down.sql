DROP INDEX budget_status_held;
ALTER TABLE budget_status
  ALTER COLUMN standing DROP DEFAULT,
  ALTER COLUMN thresholds DROP DEFAULT,
  ALTER COLUMN latched DROP DEFAULT;
