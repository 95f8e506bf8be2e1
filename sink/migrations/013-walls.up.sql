-- The second wall around every user's data: two roles that read, and what each of them may see. The first wall is the
-- WHERE of every query. docs/security.md says what it holds and what not.

-- Roles belong to the whole server: another database of Saldo may have made them, or be making them at this moment.
DO $$
DECLARE
  reader text;
BEGIN
  FOREACH reader IN ARRAY ARRAY['saldo_api', 'saldo_grafana'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', reader);
      EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
          RAISE EXCEPTION 'the role % is missing and this login may not create roles: let an administrator run "CREATE ROLE % NOLOGIN" and "GRANT % TO %", then migrate again',
            reader, reader, reader, quote_ident(current_user) USING ERRCODE = 'insufficient_privilege';
      END;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = reader AND (rolsuper OR rolbypassrls)) THEN
      RAISE EXCEPTION 'the role % is a superuser or passes row security, so that it would see everything: take that from it, then migrate again', reader;
    END IF;
    -- Whoever creates a role may not become it by that alone.
    IF NOT pg_has_role(current_user, reader, 'MEMBER') THEN
      BEGIN
        EXECUTE format('GRANT %I TO %I', reader, current_user);
      EXCEPTION
        WHEN insufficient_privilege THEN
          RAISE WARNING 'this login may not become %: let an administrator run "GRANT % TO %"', reader, reader, quote_ident(current_user);
      END;
    END IF;
  END LOOP;
END $$;

-- Whose rows a reader sees: the user that the query is for, set for its transaction. NULL, which equals nobody, without.
CREATE FUNCTION saldo_user() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('saldo.user_id', true), '') $$;

-- A plain table with a `user_id`: the API reads the rows of the user it asks for. Again is harmless.
CREATE FUNCTION saldo_wall(walled regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
  EXECUTE format('DROP POLICY IF EXISTS own_rows ON %s', walled);
  EXECUTE format('CREATE POLICY own_rows ON %s FOR SELECT TO saldo_api USING (user_id = saldo_user())', walled);
  EXECUTE format('GRANT SELECT ON %s TO saldo_api', walled);
END $$;

-- A hypertable, which cannot have row security and columns compressed: no grant, and a view `own_<table>` of the rows of
-- the user. Call it again for a table that took the place of this one, or that has a new column at its end.
CREATE FUNCTION saldo_wall_view(walled regclass, view_name text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  own text := coalesce(view_name, 'own_' || (SELECT relname FROM pg_class WHERE oid = walled));
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM saldo_api, saldo_grafana', walled);
  EXECUTE format('CREATE OR REPLACE VIEW %I WITH (security_barrier) AS SELECT * FROM %s WHERE user_id = saldo_user()', own, walled);
  EXECUTE format('GRANT SELECT ON %I TO saldo_api', own);
END $$;

-- A plain table that no reader sees, even after a grant by mistake: row security without a policy.
CREATE FUNCTION saldo_wall_closed(walled regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', walled);
  EXECUTE format('REVOKE ALL ON %s FROM saldo_api, saldo_grafana', walled);
END $$;

SELECT saldo_wall('accounts'), saldo_wall('transactions'), saldo_wall('categories'),
       saldo_wall('daily_aggregates'), saldo_wall('command_outcomes');
SELECT saldo_wall_view('events');
SELECT saldo_wall_closed('subject_keys'), saldo_wall_closed('actor_checkpoints'), saldo_wall_closed('outbox');

-- How fresh the tables are, and which release made them: nobody's data.
GRANT SELECT ON progress, schema_migrations TO saldo_api, saldo_grafana;
GRANT SELECT ON leases, members, dead_letter_marks TO saldo_grafana;
