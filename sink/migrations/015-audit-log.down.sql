DROP VIEW own_audit_log;
DROP TABLE audit_log;
