-- What the routes of the query API need to be answered through an index, and no more: every index is paid for by every
-- command (bench/README.md says what each costs, and what was left out).

-- The events of one aggregate. Nearly all events are of transactions and have no entry: theirs are found by the keys that
-- transaction_events holds.
CREATE INDEX events_by_aggregate ON events (user_id, aggregate_id, version) WHERE aggregate_type <> 'transaction';

-- How many partitions there are: nobody's data.
GRANT SELECT ON leases TO saldo_api;
