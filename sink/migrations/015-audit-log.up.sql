-- Who looked at whose data. Append only: the API adds lines and can neither change nor remove one. No personal text: ids,
-- the pattern of a route, and the status of the answer. A hypertable where TimescaleDB is.
CREATE TABLE audit_log (
  -- Whose data.
  user_id text NOT NULL,
  recorded_at timestamptz NOT NULL,
  -- A line that was written twice, because the answer to the first time was lost, has the same.
  entry_id uuid NOT NULL,
  -- The subject of the token.
  actor text NOT NULL,
  action text NOT NULL CHECK (action IN ('view', 'export', 'delete', 'modify')),
  resource text NOT NULL,
  -- Of HTTP: 200 was shown, 404 was not there.
  status smallint NOT NULL
);

DO $$
BEGIN
  IF current_setting('saldo.timescale', true) = 'on' THEN
    PERFORM create_hypertable('audit_log', by_range('recorded_at', INTERVAL '7 days'), create_default_indexes => false);
  END IF;
END $$;
CREATE INDEX audit_log_by_user ON audit_log (user_id, recorded_at DESC);

SELECT saldo_wall_view('audit_log');
-- The one thing that the API writes.
GRANT INSERT ON audit_log TO saldo_api;
