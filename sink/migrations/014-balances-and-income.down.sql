DROP TABLE daily_income;
DROP TABLE balance_history;
DELETE FROM progress WHERE consumer IN ('tables:balance-history', 'tables:daily-income');
