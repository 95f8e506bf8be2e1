-- Who should own which partition, for every group and every log adapter.

CREATE TABLE members (
  member_id uuid PRIMARY KEY,
  group_name text NOT NULL,
  heartbeat_at timestamptz NOT NULL DEFAULT now(),
  backend_pid int NOT NULL,
  backend_started timestamptz NOT NULL
);

CREATE TABLE leases (
  group_name text NOT NULL,
  partition int NOT NULL,
  owner uuid,
  epoch bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (group_name, partition)
) WITH (fillfactor = 50);

-- One heartbeat of a member: counts the living, takes what is free, says what the member should work on. One call, so
-- that a process that is stopped in the middle holds no lock. Everybody gets the same number, and the first few one
-- more; what is too much is left out of the answer and stays the member's until it is drained and released.
CREATE FUNCTION lease_beat(member uuid, grp text, partition_count int, missed_after_ms int)
RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
  living int;
  before_me int;
  quota int;
  mine int[];
  taken int[];
BEGIN
  -- Members of a group take turns.
  PERFORM pg_advisory_xact_lock(hashtextextended('saldo leases ' || grp, 0));
  INSERT INTO members AS m (member_id, group_name, backend_pid, backend_started)
    SELECT member, grp, pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
    ON CONFLICT (member_id) DO UPDATE SET heartbeat_at = now(),
      backend_pid = excluded.backend_pid, backend_started = excluded.backend_started;
  DELETE FROM members m WHERE m.group_name = grp AND m.member_id <> member AND (
    m.heartbeat_at < now() - make_interval(secs => missed_after_ms::float8 / 1000)
    OR NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = m.backend_pid AND a.backend_start = m.backend_started));
  INSERT INTO leases (group_name, partition) SELECT grp, generate_series(0, partition_count - 1) ON CONFLICT DO NOTHING;
  UPDATE leases l SET owner = NULL WHERE l.group_name = grp AND l.owner IS NOT NULL
    AND NOT EXISTS (SELECT FROM members m WHERE m.group_name = grp AND m.member_id = l.owner);
  SELECT count(*), count(*) FILTER (WHERE m.member_id < member) INTO living, before_me
    FROM members m WHERE m.group_name = grp;
  quota := partition_count / living + CASE WHEN before_me < partition_count % living THEN 1 ELSE 0 END;
  SELECT coalesce(array_agg(l.partition ORDER BY l.partition), '{}') INTO mine
    FROM leases l WHERE l.group_name = grp AND l.owner = member;
  IF cardinality(mine) >= quota THEN
    RETURN mine[1:quota];
  END IF;
  WITH free AS (
    SELECT l.partition FROM leases l WHERE l.group_name = grp AND l.owner IS NULL
    ORDER BY l.partition LIMIT quota - cardinality(mine)
  ), won AS (
    UPDATE leases l SET owner = member, epoch = l.epoch + 1 FROM free
    WHERE l.group_name = grp AND l.partition = free.partition RETURNING l.partition
  )
  SELECT coalesce(array_agg(won.partition), '{}') INTO taken FROM won;
  RETURN mine || taken;
END $$;
