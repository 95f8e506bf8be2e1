-- The roles stay: they belong to the server, and other databases may use them.
REVOKE SELECT ON leases, members, dead_letter_marks FROM saldo_grafana;
REVOKE SELECT ON progress, schema_migrations FROM saldo_api, saldo_grafana;
DROP VIEW own_events;
DO $$
DECLARE
  walled text;
BEGIN
  FOREACH walled IN ARRAY ARRAY['accounts', 'transactions', 'categories', 'daily_aggregates', 'command_outcomes'] LOOP
    EXECUTE format('DROP POLICY own_rows ON %I', walled);
    EXECUTE format('REVOKE SELECT ON %I FROM saldo_api', walled);
    EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', walled);
  END LOOP;
  FOREACH walled IN ARRAY ARRAY['subject_keys', 'actor_checkpoints', 'outbox'] LOOP
    EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', walled);
  END LOOP;
END $$;
DROP FUNCTION saldo_wall_closed(regclass);
DROP FUNCTION saldo_wall_view(regclass, text);
DROP FUNCTION saldo_wall(regclass);
DROP FUNCTION saldo_user();
