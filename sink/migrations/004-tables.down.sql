DROP TABLE command_outcomes;
DROP TABLE daily_aggregates;
DROP TABLE categories;
DROP TABLE transactions;
DROP TABLE accounts;
DROP TABLE events;
