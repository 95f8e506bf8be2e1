REVOKE SELECT ON leases FROM saldo_api;
DROP INDEX events_by_aggregate;
