-- Rebuilds: a table is folded again beside the live one and takes its place in one transaction. Tables are in `public`.

-- Tables that are being folded, under the names they will have. Nobody is granted anything in it.
CREATE SCHEMA rebuild;
-- Where a replaced table is for the rest of the transaction that drops it.
CREATE SCHEMA replaced;

-- Every rebuild there was: what was read, what came of it.
CREATE TABLE processor_runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  processor text NOT NULL,
  tables text[] NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  partitions int NOT NULL,
  -- By partition: the first offset that was read, and the one that the table was current to when it was swapped in.
  from_offsets bigint[],
  to_offsets bigint[],
  events bigint NOT NULL DEFAULT 0,
  rows bigint,
  -- 'running', 'done', 'failed' or 'interrupted'.
  result text NOT NULL DEFAULT 'running',
  -- A code and a sentence of ours; no value of a row.
  error text
);
CREATE INDEX processor_runs_by_processor ON processor_runs (processor, id DESC);
-- Nobody's data.
GRANT SELECT ON processor_runs TO saldo_grafana;

-- The table's own definition is the only one: a rebuild copies what migrations made, so the two cannot drift apart.
-- Grants, policies and triggers follow when the table is swapped in: until then nobody may see it and nothing may fire.
CREATE FUNCTION create_shadow(relation name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  live regclass := format('public.%I', relation)::regclass;
  shadow text := format('rebuild.%I', relation);
  statement text;
BEGIN
  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', shadow, live);
  FOR statement IN
    SELECT format('ALTER TABLE %s SET (%s)', shadow, array_to_string(reloptions, ', '))
    FROM pg_class WHERE oid = live AND reloptions IS NOT NULL
    UNION ALL
    SELECT format('COMMENT ON TABLE %s IS %L', shadow, obj_description(live, 'pg_class'))
    WHERE obj_description(live, 'pg_class') IS NOT NULL
  LOOP
    EXECUTE statement;
  END LOOP;
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
    PERFORM public.create_shadow_hypertable(relation);
  END IF;
  FOR statement IN
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', shadow, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = live AND contype IN ('p', 'u', 'x', 'f')
    UNION ALL
    SELECT overlay(definition PLACING format(' ON %s ', shadow)
                   FROM position(format(' ON %s ', live) IN definition) FOR length(format(' ON %s ', live)))
    FROM pg_index, pg_get_indexdef(indexrelid) AS definition WHERE indrelid = live
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = live)
  LOOP
    EXECUTE statement;
  END LOOP;
END $$;

-- Chunks and the columnstore's settings like those of the live table; nothing where that is a plain table.
CREATE FUNCTION create_shadow_hypertable(relation name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  extension text := (SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                     WHERE extname = 'timescaledb');
  live regclass := format('public.%I', relation)::regclass;
  shadow text := format('rebuild.%I', relation);
  statement text;
BEGIN
  FOR statement IN EXECUTE format($sql$
    SELECT format('SELECT %1$s.create_hypertable(%%L, %1$s.by_range(%%L, %%L::interval), create_default_indexes => false)',
                  %2$L, column_name, time_interval)
    FROM timescaledb_information.dimensions
    WHERE hypertable_schema = 'public' AND hypertable_name = %3$L AND dimension_number = 1
    $sql$, extension, shadow, relation)
  LOOP
    EXECUTE statement;
  END LOOP;
  FOR statement IN EXECUTE format($sql$
    SELECT format('ALTER TABLE %%s SET (timescaledb.enable_columnstore = true%%s%%s)', %1$L,
                  ', timescaledb.segmentby = ' || quote_literal(nullif(segmentby, '')),
                  ', timescaledb.orderby = ' || quote_literal(nullif(orderby, '')))
    FROM timescaledb_information.hypertable_columnstore_settings s
    JOIN timescaledb_information.hypertables h ON s.hypertable = format('%%I.%%I', hypertable_schema, hypertable_name)::regclass
    WHERE s.hypertable = %2$L::regclass AND h.compression_enabled
    $sql$, shadow, live)
  LOOP
    EXECUTE statement;
  END LOOP;
END $$;

-- What a table has beside its rows: owner, grants, row security with its policies, triggers, jobs. As statements that
-- name the table, to be run again when another table has the name.
CREATE FUNCTION table_belongings(relation name) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
  live regclass := format('public.%I', relation)::regclass;
  extension text := (SELECT quote_ident(nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                     WHERE extname = 'timescaledb');
BEGIN
  RETURN QUERY
    SELECT format('ALTER TABLE %s OWNER TO %I', live, pg_get_userbyid(relowner)) FROM pg_class WHERE oid = live
    UNION ALL
    SELECT format('GRANT %s ON TABLE %s TO %s%s', privilege_type, live,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_class, aclexplode(relacl) WHERE oid = live AND grantee <> relowner
    UNION ALL
    SELECT format('GRANT %s (%I) ON TABLE %s TO %s%s', privilege_type, attname, live,
                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
                  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_attribute, aclexplode(attacl) WHERE attrelid = live
    UNION ALL
    SELECT format('ALTER TABLE %s %s ROW LEVEL SECURITY', live, kind) FROM pg_class,
      LATERAL (VALUES ('ENABLE', relrowsecurity), ('FORCE', relforcerowsecurity)) AS security (kind, wanted)
    WHERE oid = live AND wanted
    UNION ALL
    SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', polname, live,
                  CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                  CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                  (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
                   FROM unnest(polroles) AS role),
                  ' USING (' || pg_get_expr(polqual, polrelid) || ')',
                  ' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
    FROM pg_policy WHERE polrelid = live
    UNION ALL
    SELECT statement FROM pg_trigger, LATERAL (VALUES
        (1, pg_get_triggerdef(oid)),
        (2, format('ALTER TABLE %s %s TRIGGER %I', live,
                   CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' END, tgname))
      ) AS part (step, statement)
    -- TimescaleDB makes its own again.
    WHERE tgrelid = live AND NOT tgisinternal AND tgname <> 'ts_insert_blocker' AND (step = 1 OR tgenabled <> 'O');
  IF extension IS NOT NULL THEN
    -- A new policy runs at once unless it is told when.
    RETURN QUERY EXECUTE format($sql$
      SELECT CASE proc_name
        WHEN 'policy_compression' THEN format(
          'CALL %1$s.add_columnstore_policy(%%L, after => %%L::interval, schedule_interval => %%L::interval, initial_start => %%L::timestamptz)',
          %2$L, config ->> 'compress_after', schedule_interval, next_run)
        WHEN 'policy_retention' THEN format(
          'SELECT %1$s.add_retention_policy(%%L, drop_after => %%L::interval, schedule_interval => %%L::interval, initial_start => %%L::timestamptz)',
          %2$L, config ->> 'drop_after', schedule_interval, next_run)
        END
      FROM timescaledb_information.jobs,
        LATERAL (SELECT CASE WHEN next_start > now() THEN next_start ELSE now() + schedule_interval END AS next_run) AS run
      WHERE hypertable_schema = 'public' AND hypertable_name = %3$L AND proc_name IN ('policy_compression', 'policy_retention')
      $sql$, extension, live, relation);
  END IF;
END $$;

-- Statements that make every view that reads the table read what has its name then. A view knows its tables by number.
CREATE FUNCTION dependent_views(live regclass) RETURNS TABLE (view regclass, statement text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
BEGIN
  RETURN QUERY
    SELECT v.oid::regclass,
           CASE WHEN v.relkind = 'v' THEN
             -- Replaced, not made anew: owner, grants and the views that read it stay.
             format('CREATE OR REPLACE VIEW %s%s AS %s', v.oid::regclass,
                    ' WITH (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))
           END
    FROM pg_class v
    WHERE v.oid IN (SELECT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
                    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
                      AND d.refobjid = live AND r.ev_class <> live)
    ORDER BY 1;
END $$;

-- Puts the shadow of each relation in its place, with all that belongs to it, and drops what was there. By partition:
-- `stood` is where the live table was seen to stand, null where it has no row, and `targets` where the shadow stands for
-- that. Behind it rows would go back in time; ahead of it, what the live owner has to tell would be passed over. Call it
-- while nobody writes (the gate is held).
CREATE FUNCTION swap_in_shadow(relations name[], consumer_live text, consumer_shadow text, stood bigint[], targets bigint[], siblings text[])
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  relation name;
  live regclass;
  views text[];
  locked text := '';
  after text[] := '{}';
  statement text;
BEGIN
  -- Views first, as their readers do: who holds a view and waits for its table would wait for us and we for him.
  FOREACH relation IN ARRAY relations LOOP
    live := format('public.%I', relation)::regclass;
    IF EXISTS (SELECT FROM public.dependent_views(live) v WHERE v.statement IS NULL) THEN
      RAISE EXCEPTION 'a materialised view reads %: it would have to be made anew', live USING ERRCODE = 'SA003';
    END IF;
    FOR statement IN SELECT view::text FROM public.dependent_views(live) LOOP
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', statement);
    END LOOP;
  END LOOP;
  FOREACH relation IN ARRAY relations LOOP
    EXECUTE format('LOCK TABLE ONLY public.%I, ONLY rebuild.%I IN ACCESS EXCLUSIVE MODE', relation, relation);
  END LOOP;

  PERFORM FROM public.progress WHERE consumer = ANY (siblings || consumer_shadow) ORDER BY consumer, partition FOR UPDATE;
  IF EXISTS (
    SELECT FROM unnest(stood, targets) WITH ORDINALITY AS wanted (stood, target, number)
    LEFT JOIN public.progress theirs ON theirs.consumer = consumer_live AND theirs.partition = number - 1
    LEFT JOIN public.progress ours ON ours.consumer = consumer_shadow AND ours.partition = number - 1
    WHERE theirs.next_offset IS DISTINCT FROM wanted.stood
      OR ours.next_offset IS DISTINCT FROM wanted.target
  ) THEN
    RAISE EXCEPTION 'the rebuilt table of % is not where the live one is', consumer_live USING ERRCODE = 'SA002';
  END IF;

  FOREACH relation IN ARRAY relations LOOP
    live := format('public.%I', relation)::regclass;
    after := after || ARRAY(SELECT public.table_belongings(relation))
                   || ARRAY(SELECT v.statement FROM public.dependent_views(live) v);
    -- What default privileges gave to the new table, the old one may not have.
    FOR statement IN
      SELECT format('REVOKE ALL ON TABLE rebuild.%I FROM %s', relation,
                    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
      FROM pg_class, aclexplode(relacl)
      WHERE oid = format('rebuild.%I', relation)::regclass AND grantee <> relowner GROUP BY grantee
    LOOP
      EXECUTE statement;
    END LOOP;
  END LOOP;
  FOREACH relation IN ARRAY relations LOOP
    EXECUTE format('ALTER TABLE public.%I SET SCHEMA replaced', relation);
    EXECUTE format('ALTER TABLE rebuild.%I SET SCHEMA public', relation);
  END LOOP;
  -- A view over several of the tables is among these once for each.
  FOREACH statement IN ARRAY after LOOP
    EXECUTE statement;
  END LOOP;

  -- Every owner of this reader attaches anew: it knows rows that are no longer there, or has a processor left behind.
  UPDATE public.progress SET epoch = epoch + 1 WHERE consumer = ANY (siblings);
  INSERT INTO public.progress AS kept (consumer, partition, next_offset, epoch, log_identity, last_event_id, updated_at)
  SELECT consumer_live, partition, next_offset, 1, log_identity, last_event_id, updated_at
  FROM public.progress WHERE consumer = consumer_shadow
  ON CONFLICT (consumer, partition) DO UPDATE
    SET next_offset = excluded.next_offset, log_identity = excluded.log_identity,
        last_event_id = excluded.last_event_id, updated_at = excluded.updated_at;
  DELETE FROM public.progress WHERE consumer = consumer_shadow;
  FOREACH relation IN ARRAY relations LOOP
    EXECUTE format('DROP TABLE replaced.%I', relation);
  END LOOP;
END $$;
