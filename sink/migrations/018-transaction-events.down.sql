DROP VIEW own_transaction_events;
DROP TABLE transaction_events;
DELETE FROM progress WHERE consumer = 'tables:transaction-events';
