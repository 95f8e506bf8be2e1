DELETE FROM progress WHERE consumer = 'tables:budget-status';
ALTER TABLE progress DROP COLUMN tells_from;
DROP TABLE budget_status;
